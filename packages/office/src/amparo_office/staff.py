"""Staff access: who may do what, by a role, with an access token shown once. The first one is a file in the office's folder.

LIMIT: tokens stand in until staff log in with password and passkey on their screens; roles and the second person are real.
"""

import hashlib
import secrets
from pathlib import Path
from typing import Literal, get_args

import msgspec

from amparo_common.ids import random_id
from amparo_office.errors import RoleMissing
from amparo_service.database import Database
from amparo_service.keys import file_once

Role = Literal["administrator", "registrar", "programme-manager", "approver"]
ROLES: tuple[Role, ...] = get_args(Role)


class StaffMember(msgspec.Struct, frozen=True):
    """Somebody who works here. `id` is random; no name is needed to hold a role."""

    id: str
    role: Role


class NewStaff(msgspec.Struct, frozen=True):
    """A new colleague and the access token, shown once."""

    id: str
    role: Role
    access: str


class Staff:
    """Who works here."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        first = file_once(folder / "administrator.token", lambda: secrets.token_urlsafe(32).encode()).decode()
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO staff (id, role, access_hash) VALUES ('first', 'administrator', ?)"
                " ON CONFLICT (id) DO UPDATE SET access_hash = excluded.access_hash",
                (_hash(first),),
            )

    def add(self, role: Role) -> NewStaff:
        """A new colleague with one role. One person, one role: whoever makes does not check."""
        new = NewStaff(id=random_id(), role=role, access=secrets.token_urlsafe(32))
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO staff (id, role, access_hash) VALUES (?, ?, ?)", (new.id, new.role, _hash(new.access))
            )
        return new

    def require(self, access: str, *roles: Role) -> StaffMember:
        """The colleague with this token. Raises `RoleMissing` unless they hold one of the roles."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT id, role FROM staff WHERE access_hash = ?", (_hash(access),)).fetchone()
        if row is None or row[1] not in roles:
            raise RoleMissing(f"This needs the role {' or '.join(roles)}.")
        return StaffMember(id=row[0], role=row[1])


def _hash(access: str) -> bytes:
    # Tokens have 256 random bits, so a plain hash is enough; they are not passwords.
    return hashlib.sha256(access.encode()).digest()
