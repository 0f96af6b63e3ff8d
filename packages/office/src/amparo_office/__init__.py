"""The people side: register, imports, programmes, cycles, approvals, claims and identity cards.

Knows people and households, and which quote a household claimed. Never sees a token: it tells the mint that a quote is paid,
and nothing comes back. Staff screens come later on the same services.
"""
