"""Invented rows that several tests need. Django is set up when these are called."""

import hashlib
from typing import Any

from fido2.cose import ES256
from fido2.webauthn import AttestedCredentialData


def give_passkey(member: Any, at: Any) -> None:
    """A passkey that no device has, so that an administrator is let in by a session made in the test."""
    from amparo_staff.accounts.models import Passkey

    name = hashlib.sha256(member.login.encode()).digest()
    key = ES256({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)})
    member.passkeys.all().delete()
    data = AttestedCredentialData.create(bytes(16), name, key)
    Passkey.objects.create(
        member=member, credential=hashlib.sha256(name).hexdigest(), data=bytes(data), label="Invented", added=at
    )
