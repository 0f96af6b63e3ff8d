"""The thief: opens every database of every server and every shop's till, and tries to say who bought what.

`loot.py` reads the rows and the journals; `matchers.py` holds the attacks; `service.py` runs them and compares their success
with guessing. The thief is given more than a real one has: the mint's secret keys, and the notes of shops that wrote down
each sale with its code and its order. Not tried here: free pages of the files (SQLite overwrites them: `secure_delete`), and
a mint that was changed to keep every request (`tests/attacks` shows that no code leads to a claim even then).
"""
