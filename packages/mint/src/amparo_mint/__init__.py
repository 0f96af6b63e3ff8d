"""The token side: keysets, issuing, swapping, redeeming, and the list of spent tokens.

Knows no person, no household, no shop's bank account and no client address. What it stores about tokens are keyed hashes
without time and order; nothing joins what went in to what came out. Specification: cashubtc/nuts; files carry the NUT's number.
"""
