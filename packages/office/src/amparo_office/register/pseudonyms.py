"""A household's or person's identifier in one programme (requirement R7). Without the register's key nobody can tell that two of
them are one person's; two programmes' receipts and exports share no value."""

import base64
import hashlib
import hmac

from amparo_office.register.vault import vault


class Pseudonyms:
    """The identifiers of one programme."""

    def __init__(self, programme: str) -> None:
        self._key = vault().named_key("pseudonym")
        self._programme = f"{len(programme)} {programme} ".encode()

    def of(self, ref: str) -> str:
        """The identifier of the record with this reference: 80 bits, such as "A-C2MV-5ZQK-7WJD-N4XT". The same in each cycle."""
        digest = hmac.digest(self._key.reveal(), self._programme + ref.encode(), hashlib.sha256)[:10]
        signs = base64.b32encode(digest).decode()
        return "A-" + "-".join(signs[start : start + 4] for start in range(0, 16, 4))
