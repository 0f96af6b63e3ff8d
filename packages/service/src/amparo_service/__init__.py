"""What every Amparo server process shares: the HTTP edge, SQLite, keys on disk, the outbox and the client.

Knows nothing of people, tokens or shops: it moves bytes and structs. The pure packages (common, rules, cashu,
credentials, paper) never import it.
"""
