"""One shop's own device: takes payments with and without a connection, deposits them, asks for settlement.

Knows tokens, the shop's own key and its access code. Never sees a name, a household, a programme's label or the payer's
balance: a payment is an amount and coins.
"""
