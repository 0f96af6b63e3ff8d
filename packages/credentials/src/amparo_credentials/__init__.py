"""Identity credentials. Today: the card code for people without a phone (Claim 169 CWT in a QR code), open or sealed.

Pure. Knows a name and a date of birth, because an identity card shows them; never a programme, an amount, a household or a
token: identity and payment are two separate codes. Not yet here: SD-JWT VC, mdoc, status lists (see the README's table).
"""
