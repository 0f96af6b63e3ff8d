"""The thief: opens every database of every server and every shop's till, and tries to say who bought what.

`loot.py` reads everything there is, deleted pages and journals included; `matchers.py` holds the attacks; `service.py` runs
them and compares their success with guessing. The thief is given more than a real one has: every key file, and the notes of
shops that wrote down each sale with its code and its order.
"""
