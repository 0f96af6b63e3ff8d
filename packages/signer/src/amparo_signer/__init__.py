"""The mint's signer: a process of its own, the only holder of the mint's private keys.

Begin reading at `protocol.py` (the four calls), `service.py` (what they do), `folder.py` (the keys on disk).
"""
