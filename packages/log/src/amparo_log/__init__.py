"""The public transparency log: an append-only list of what the services say in public, in the C2SP formats.

Served as tlog-tiles (static files), headed by signed-note checkpoints, so that clients written by others can verify
inclusion and consistency. Entries are `amparo_common.bridge.LogEntry`. Knows no person and no token.
"""
