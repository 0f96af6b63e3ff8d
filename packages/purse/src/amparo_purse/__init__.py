"""The coins on one device, a person's or a shop's: claim, swap, lock, hand over, redeem, with a journal.

Knows tokens and nothing else: no person, no shop account. Takes keys from the public log and never from the mint.
"""
