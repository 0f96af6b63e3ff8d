"""Passkeys (WebAuthn Level 2, with the library `fido2`): adding one, and signing in with it.

The place a passkey is bound to is the host that the browser asked for; its answer must come from that very origin, over TLS or on
this machine. What waits for an answer lies in the session for five minutes and is taken out with the first answer. No attestation
is asked for: which make of key somebody uses is theirs to know.
"""

import hashlib
import json
import struct
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.exceptions import UnsupportedAlgorithm
from django.db import transaction
from django.http import HttpRequest
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from amparo_staff.accounts.clock import now
from amparo_staff.accounts.models import Passkey, StaffMember
from amparo_staff.errors import BadPasskey
from amparo_staff.trail.service import note

WAITS = timedelta(minutes=5)
MOST = 10
_STATE = "passkey"
_LONGEST_ANSWER = 16_384
# What the library raises over an answer that no browser would send.
_MALFORMED = (
    AssertionError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    struct.error,
    UnsupportedAlgorithm,
)


def begin_adding(request: HttpRequest, member: StaffMember) -> str:
    """What the browser needs to make a passkey, as JSON."""
    known = [AttestedCredentialData(bytes(each.data)) for each in member.passkeys.all()]
    user = PublicKeyCredentialUserEntity(id=member.id.bytes, name=member.login, display_name=member.name)
    options, state = _server(request).register_begin(
        user,
        known,
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return _wait(request, "add", options, state)


def finish_adding(request: HttpRequest, member: StaffMember, answer: str, label: str, *, at: datetime) -> Passkey:
    """Keep the passkey that the browser made. Raises `BadPasskey`."""
    state = _take(request, "add")
    try:
        made = _server(request).register_complete(state, _read(answer))
    except _MALFORMED as error:
        raise BadPasskey("This passkey was not added.") from error
    if made.credential_data is None or member.passkeys.count() >= MOST:
        raise BadPasskey("This passkey was not added.")
    name = credential_name(made.credential_data.credential_id)
    with transaction.atomic():
        row, new = Passkey.objects.get_or_create(
            credential=name,
            defaults={
                "member": member,
                "data": bytes(made.credential_data),
                "counter": made.counter,
                "label": label,
                "added": at,
            },
        )
        if not new:
            raise BadPasskey("This passkey was not added.")
        note("account.passkey-added", by=member, at=at, subject=str(member.id))
    return row


def begin_sign_in(request: HttpRequest, member: StaffMember | None) -> str:
    """What the browser needs to answer with a passkey, as JSON: one of this member's, or (None) any that it has for this place."""
    known = None if member is None else [AttestedCredentialData(bytes(each.data)) for each in member.passkeys.all()]
    options, state = _server(request).authenticate_begin(known, _verification(member))
    return _wait(request, "sign-in", options, state)


def finish_sign_in(request: HttpRequest, member: StaffMember | None, answer: str, *, at: datetime) -> StaffMember:
    """Whose passkey answered. Without a password before it the passkey must have checked its person (PIN, fingerprint).
    Raises `BadPasskey`."""
    state = _take(request, "sign-in")
    fields = _read(answer)
    try:
        response = AuthenticationResponse.from_dict(fields)
        row = _row_of(response, member)
        _server(request).authenticate_complete(state, [AttestedCredentialData(bytes(row.data))], fields)
        _count(row, response.response.authenticator_data, at=at)
    except _MALFORMED as error:
        raise BadPasskey("This passkey was not accepted.") from error
    return row.member


def remove(member: StaffMember, number: int, *, at: datetime) -> None:
    """Remove one of a member's passkeys. Removing what is not there does nothing."""
    with transaction.atomic():
        if member.passkeys.filter(id=number).delete()[0]:
            note("account.passkey-removed", by=member, at=at, subject=str(member.id))


def credential_name(credential_id: bytes) -> str:
    """The SHA-256 of a credential's id in hex."""
    return hashlib.sha256(credential_id).hexdigest()


def _row_of(response: AuthenticationResponse, member: StaffMember | None) -> Passkey:
    found = Passkey.objects.select_related("member").filter(credential=credential_name(response.raw_id)).first()
    handle = response.response.user_handle
    if found is None or not found.member.is_active or (member is not None and found.member_id != member.id):
        raise BadPasskey("This passkey was not accepted.")
    if member is None and (handle is None or UUID(bytes=handle) != found.member_id):
        raise BadPasskey("This passkey was not accepted.")
    return found


def _count(row: Passkey, data: AuthenticatorData, *, at: datetime) -> None:
    """Keep the counter. One that does not grow is a copied key; keys without one always say 0."""
    with transaction.atomic():
        kept = Passkey.objects.select_for_update().get(id=row.id)
        if (data.counter or kept.counter) and data.counter <= kept.counter:
            raise BadPasskey("This passkey was not accepted.")
        Passkey.objects.filter(id=row.id).update(counter=data.counter, used=at)


def _verification(member: StaffMember | None) -> UserVerificationRequirement:
    return UserVerificationRequirement.REQUIRED if member is None else UserVerificationRequirement.PREFERRED


def _server(request: HttpRequest) -> Fido2Server:
    host = request.get_host()
    name = urlsplit(f"//{host}").hostname or ""
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=name, name="Amparo"), verify_origin=lambda origin: is_origin(origin, host)
    )


def is_origin(origin: str, host: str) -> bool:
    """Whether a browser's origin is this host's: the same name and port, over TLS unless it is this machine."""
    told = urlsplit(origin)
    local = told.hostname == "localhost" or (told.hostname or "").endswith(".localhost")
    if told.scheme != "https" and not (told.scheme == "http" and local):
        return False
    default = 443 if told.scheme == "https" else 80
    here = urlsplit(f"//{host}")
    return (told.hostname, told.port or default) == (here.hostname, here.port or default)


def _wait(request: HttpRequest, what: str, options: Any, state: dict[str, Any]) -> str:
    request.session[_STATE] = {"what": what, "at": now().timestamp(), "state": state}
    return json.dumps(dict(options)["publicKey"])


def _take(request: HttpRequest, what: str) -> dict[str, Any]:
    kept = request.session.pop(_STATE, None)
    if kept is None or kept["what"] != what or now().timestamp() - kept["at"] > WAITS.total_seconds():
        raise BadPasskey("This passkey was not accepted.")
    state: dict[str, Any] = kept["state"]
    return state


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > _LONGEST_ANSWER:
        raise BadPasskey("This passkey was not accepted.")
    try:
        fields = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise BadPasskey("This passkey was not accepted.") from error
    if not isinstance(fields, dict):
        raise BadPasskey("This passkey was not accepted.")
    return fields
