"""A person's identifier in one programme (requirement R7). Without the register's key nobody can tell that two of them are one
person's; two programmes' exports share no value."""

import base64
import hashlib
import hmac

from amparo_office.register.vault import vault


def pseudonym(programme: str, ref: str) -> str:
    """The identifier of a record in a programme: 80 bits, such as "A-C2MV-5ZQK-7WJD-N4XT". The same in each cycle."""
    said = f"{len(programme)} {programme} {ref}".encode()
    digest = hmac.digest(vault().named_key("pseudonym").reveal(), said, hashlib.sha256)[:10]
    signs = base64.b32encode(digest).decode()
    return "A-" + "-".join(signs[start : start + 4] for start in range(0, 16, 4))


def source_key(source: str, identifier: str) -> bytes:
    """The keyed digest of an identifier in a source, as `Record.source_key` keeps it: the same row is never taken twice, and
    nobody can test an identifier without the register's key."""
    said = f"{len(source)} {source} {identifier}".encode()
    return hmac.digest(vault().named_key("source").reveal(), said, hashlib.sha256)[:16]
