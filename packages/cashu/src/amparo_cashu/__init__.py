"""The Cashu protocol that both ends speak: curve, messages, token format, keyset ids (cashubtc/nuts).

Pure and holds no mint key: a wallet or a till needs exactly this to check what a mint says. Files carry the number of the
specification they follow. Knows no person, shop account or address.
"""
