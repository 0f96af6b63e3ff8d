"""A small HTTP client for our own services: structs in and out, safe retries, the other side's error kept.

Every call is idempotent by design of the services (same request, same effect), so a lost answer is simply asked again. The other
side is not trusted: whatever it answers becomes a struct, bytes or one of our errors, and never more than fits. It is given nothing
back that it sent: a cookie would join a wallet's claim to its purchases.
"""

import functools
import ssl
import time
import weakref
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType
from typing import Any, TypeVar

import httpx2
import msgspec

from amparo_common import canonical
from amparo_service.errors import RemoteError, Unreachable

T = TypeVar("T")

# Print files of a whole town are the largest.
MOST_ANSWER_BYTES = 256 * 1024 * 1024
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class _ErrorBody(msgspec.Struct):
    """Both error shapes: ours (code, what, why, todo) and Cashu's (detail, code, with our stable code in `error`)."""

    code: str | int = "?"
    what: str = ""
    why: str = ""
    todo: str = ""
    detail: str = ""
    error: str = ""


@functools.cache
def _trusted_certificates() -> ssl.SSLContext:
    # Reading the machine's certificates takes 20 ms, so it is done once.
    return ssl.create_default_context()


class Client:
    """Talks to one service at `base`. `patience` seconds are spent on retries while nobody answers; a try is given up after
    `timeout` seconds without a byte, an answer of more than `most_bytes` (unpacked) is refused."""

    def __init__(
        self,
        base: str,
        *,
        patience: float = 15.0,
        timeout: float = 120.0,
        bearer: str | None = None,
        transport: httpx2.BaseTransport | None = None,
        most_bytes: int = MOST_ANSWER_BYTES,
    ) -> None:
        self.base = base.rstrip("/")
        self._patience = patience
        self._most_bytes = most_bytes
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        # trust_env=False: a proxy or a netrc file of the machine must not see or change this traffic.
        self._http = httpx2.Client(
            base_url=self.base,
            timeout=timeout,
            headers=headers,
            transport=transport,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # Between our own processes on one machine there is no certificate to trust.
            verify=_trusted_certificates() if self.base.startswith("https:") else False,
        )
        # The connections close with their last user, also where nobody calls `close`.
        self._finalizer = weakref.finalize(self, self._http.close)

    def get(self, path: str, into: type[T]) -> T:
        """GET, decoded as `into`. Raises `Unreachable`, `RemoteError`."""
        return self.decode(self.get_bytes(path), into)

    def get_bytes(self, path: str) -> bytes:
        """GET, raw. Raises `Unreachable`, `RemoteError`."""
        return self.send("GET", path)

    def post(self, path: str, body: Any, into: type[T]) -> T:
        """POST a struct as JSON, decoded as `into`. Raises `Unreachable`, `RemoteError`."""
        return self.post_bytes(path, canonical.encode_trusted(body), into)

    def post_bytes(self, path: str, data: bytes, into: type[T]) -> T:
        """POST raw bytes, decoded as `into`. Raises `Unreachable`, `RemoteError`."""
        return self.decode(self.send("POST", path, data), into)

    def send(
        self, method: str, path: str, data: bytes | None = None, *, headers: Mapping[str, str] = _NO_HEADERS
    ) -> bytes:
        """One request with headers of its own; the body of a good answer. Raises `Unreachable`, `RemoteError`."""
        deadline = time.monotonic() + self._patience
        wait = 0.05
        while True:
            try:
                status, body = self._ask(method, path, data, headers)
            except httpx2.TransportError as error:
                if time.monotonic() + wait > deadline:
                    raise Unreachable(f"{self.base} gives no answer.") from error
            else:
                if status != 503 or time.monotonic() + wait > deadline:
                    return _accept(status, body)
            time.sleep(wait)
            wait = min(wait * 2, 1.0)

    def _ask(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body, unpacked. Raises `RemoteError` for a body that is too large or cannot be unpacked."""
        parts, size = [], 0
        try:
            with self._http.stream(method, path, content=data, headers=headers) as response:
                for part in response.iter_bytes():
                    parts.append(part)
                    size += len(part)
                    if size > self._most_bytes:
                        raise self._bad_answer("too large an answer")
                return response.status_code, b"".join(parts)
        except httpx2.DecodingError as error:
            raise self._bad_answer("an answer that cannot be unpacked") from error

    def decode(self, data: bytes, into: type[T]) -> T:
        """The body of an answer as `into`. Raises `RemoteError`."""
        try:
            return msgspec.json.decode(data, type=into)
        except (ValueError, RecursionError) as error:
            raise self._bad_answer("an answer of the wrong shape") from error

    def _bad_answer(self, what: str) -> RemoteError:
        return RemoteError(f"{self.base} gave {what}.", remote_code="service.bad_answer", status=200)

    def close(self) -> None:
        """Close the connections."""
        self._finalizer()


def _accept(status: int, body: bytes) -> bytes:
    """The body of a good answer. Raises `RemoteError` with the words of any other one."""
    if 200 <= status < 300:
        return body
    try:
        said = msgspec.json.decode(body, type=_ErrorBody)
    except (ValueError, RecursionError):
        said = _ErrorBody(what="The service refused without saying why.")
    raise RemoteError(
        said.what or said.detail,
        remote_code=str(said.code),
        stable_code=said.error,
        status=status,
        why=said.why,
        todo=said.todo,
    )
