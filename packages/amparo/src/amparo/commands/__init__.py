"""The `amparo` command: one module a group of commands, `shell.py` for what they share.

Exit codes: 0 done, 1 a check found something wrong, 2 wrong usage, 3 could not be done (the reason is printed).
"""
