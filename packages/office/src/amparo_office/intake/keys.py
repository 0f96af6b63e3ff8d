"""By what a household of a file is known again: a keyed digest of its reference in the source, so that the same row is never taken
twice, and the register holds no identifier of another system.

A reference that no two systems share (a UUID: Kobo's `_uuid`, ODK's instanceID, 121's referenceId) stands for itself. Any other
(HOPE's household_id counts from 1 in each file) counts within the list of that name; a row without reference is known by its
whole content.
"""

import hashlib
import hmac
import re

from amparo_common.secret import Secret
from amparo_office.intake.joining import Tables, Unit, cell
from amparo_office.intake.plan import Plan

_UUID = re.compile(r"(uuid:)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
LENGTH = 16


def key_of_ref(secret: Secret, source: str, ref: str) -> bytes:
    """The key of the household that has this reference in the list `source`: 16 bytes."""
    if _UUID.fullmatch(ref):
        return _digest(secret, "uuid", ref.casefold().removeprefix("uuid:").replace("-", ""))
    return _digest(secret, "ref", " ".join(source.casefold().split()), ref)


def _digest(secret: Secret, *parts: str) -> bytes:
    return hmac.digest(secret.reveal(), "\x1f".join(parts).encode(), hashlib.sha256)[:LENGTH]


class SourceKeys:
    """Makes the keys of one list's households. `source` is the list's name."""

    def __init__(self, tables: Tables, plan: Plan, *, source: str, secret: Secret) -> None:
        self._secret = secret
        self._source = source
        ref, member = plan.household_ref() or plan.join, plan.member_ref()
        self._home = tables.household.columns.index(ref) if ref else None
        self._member = tables.people().columns.index(member) if member and self._home is None else None
        self._columns = [tables.household.columns, tables.people().columns]

    def ref(self, unit: Unit) -> str:
        """The household's reference as it stands in the file; "" when there is none."""
        if self._home is not None:
            return cell(unit.home[1], self._home)
        return "" if self._member is None else cell(unit.people[0][1], self._member)

    def key(self, unit: Unit) -> bytes:
        """The household's key: 16 bytes."""
        ref = self.ref(unit)
        if ref:
            return key_of_ref(self._secret, self._source, ref)
        # By column name: the same row has the same key in a file with its columns in another order.
        cells = [f"{name}={text}" for name, text in zip(self._columns[0], unit.home[1], strict=False) if text]
        for _, people in unit.people:
            cells += ["", *(f"{name}={text}" for name, text in zip(self._columns[1], people, strict=False) if text)]
        return _digest(self._secret, "row", " ".join(self._source.casefold().split()), *sorted(cells))
