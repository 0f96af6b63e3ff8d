"""A household that is being enrolled at the desk, between one page and the next.

The answers lie in the session, sealed under a key made from two halves: one of this desk, and one that only the browser holds,
in a cookie that no script reads. A stolen database therefore shows nothing, with the desk's keys or without. Finishing, giving up,
leaving or one day ends it. Nothing of it is in the register before the last page.
"""

import base64
import secrets
from datetime import datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from amparo_common.secret import Secret
from amparo_office.register.sealing import Document, Name

COOKIE = "draft"
KEPT_FOR = timedelta(days=1)
_IN_SESSION = "register.draft"


class BirthDate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As much of a date of birth as is known: `value` in days since 1970, with its precision."""

    value: int | None = None
    precision: str = "unknown"


class DraftMember(msgspec.Struct, forbid_unknown_fields=True):
    """The answers about one person so far."""

    names: list[Name] = []
    relationship: str = "UNKNOWN"
    birth: BirthDate = BirthDate()
    documents: list[Document] = []
    telephone: str = ""
    facts: dict[str, int | None] = {}

    def whole_name(self) -> str:
        """The name they use."""
        return self.names[0].whole() if self.names else ""


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """The answers so far. `primary` and `alternate` are places in `members`. `once` is made at the start and makes the enrolment
    unrepeatable: sending the last page twice enrols once."""

    begun: datetime
    once: str
    area: str | None = None
    language: str = "es"
    by_phone: bool = False
    address: str = ""
    facts: dict[str, int | None] = {}
    members: list[DraftMember] = []
    primary: int = 0
    alternate: int | None = None


class DraftStore:
    """The draft of one browser. `desk_key` is this desk's half of the sealing key."""

    def __init__(self, request: HttpRequest, desk_key: Secret, at: datetime) -> None:
        self._session: SessionBase = request.session
        self._cookie = request.COOKIES.get(COOKIE, "")
        self._secure = request.is_secure()
        self._desk_key = desk_key
        self._at = at

    def read(self) -> Draft | None:
        """The draft; None when there is none that this browser can open, or it is older than a day."""
        sealed = self._session.get(_IN_SESSION)
        if not sealed or not self._cookie:
            return None
        blob = base64.b64decode(sealed)
        try:
            opened = AESGCM(self._key()).decrypt(blob[:12], blob[12:], None)
        except InvalidTag:
            return None
        draft = msgspec.json.decode(opened, type=Draft)
        return draft if self._at - draft.begun < KEPT_FOR else None

    def begin(self, language: str) -> Draft:
        """An empty draft; what was there before is gone."""
        self._cookie = secrets.token_urlsafe(32)
        return Draft(begun=self._at, once=secrets.token_hex(16), language=language)

    def keep(self, draft: Draft, answer: HttpResponse) -> None:
        """Seal it into the session, the browser's half of the key into the answer."""
        nonce = secrets.token_bytes(12)
        sealed = nonce + AESGCM(self._key()).encrypt(nonce, msgspec.json.encode(draft), None)
        self._session[_IN_SESSION] = base64.b64encode(sealed).decode()
        answer.set_cookie(
            COOKIE,
            self._cookie,
            max_age=int(KEPT_FOR.total_seconds()),
            httponly=True,
            secure=self._secure,
            samesite="Strict",
        )

    def erase(self, answer: HttpResponse) -> None:
        """Nothing of it stays, here or in the browser."""
        self._session.pop(_IN_SESSION, None)
        answer.delete_cookie(COOKIE, samesite="Strict")

    def _key(self) -> bytes:
        both = self._desk_key.reveal() + self._cookie.encode()
        return HKDF(SHA256(), 32, salt=None, info=b"amparo register draft").derive(both)
