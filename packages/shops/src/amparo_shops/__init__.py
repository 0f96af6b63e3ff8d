"""The shops side: accreditation, deposits, claims, settlement and a double-entry ledger.

Knows shops and their bank accounts. Never sees a person, a token secret, a basket or the time of a sale: the mint only says
that a shop handed in spent aid worth so much.
"""
