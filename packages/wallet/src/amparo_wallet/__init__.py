"""One person's own side: purse, papers, recomputing a receipt, voucher sheets.

The only package besides the umbrella that may know both a person's papers and their tokens, because it runs on that person's
own device (or, for somebody without a phone, at a printing desk that keeps nothing).
"""
