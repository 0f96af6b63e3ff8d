"""Voucher sheets as the office knows them: a number on a closed packet, and whose it is. No code, no amount, no shop is here."""
