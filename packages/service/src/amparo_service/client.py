"""A small HTTP client for our own services: structs in and out, safe retries, the other side's error kept.

Every call is idempotent by design of the services (same request, same effect), so a lost answer is simply asked again.
"""

import functools
import ssl
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import httpx2
import msgspec

from amparo_common import canonical
from amparo_service.errors import RemoteError, Unreachable

T = TypeVar("T")


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
    """Talks to one service at `base`. `patience` seconds are spent on retries while nobody answers."""

    def __init__(
        self,
        base: str,
        *,
        patience: float = 15.0,
        bearer: str | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self._patience = patience
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        # trust_env=False: a proxy or a netrc file of the machine must not see or change this traffic.
        self._http = httpx2.Client(
            base_url=self.base,
            timeout=120.0,
            headers=headers,
            transport=transport,
            trust_env=False,
            verify=_trusted_certificates(),
        )
        # The connections close with their last user, also where nobody calls `close`.
        self._finalizer = weakref.finalize(self, self._http.close)

    def get(self, path: str, into: type[T]) -> T:
        """GET, decoded as `into`. Raises `Unreachable`, `RemoteError`."""
        return self._decode(self.get_bytes(path), into)

    def get_bytes(self, path: str) -> bytes:
        """GET, raw. Raises `Unreachable`, `RemoteError`."""
        return self._send(lambda: self._http.get(path))

    def post(self, path: str, body: Any, into: type[T]) -> T:
        """POST a struct as JSON, decoded as `into`. Raises `Unreachable`, `RemoteError`."""
        return self.post_bytes(path, canonical.encode_trusted(body), into)

    def post_bytes(self, path: str, data: bytes, into: type[T]) -> T:
        """POST raw bytes, decoded as `into`. Raises `Unreachable`, `RemoteError`."""
        return self._decode(self._send(lambda: self._http.post(path, content=data)), into)

    def _send(self, call: Callable[[], httpx2.Response]) -> bytes:
        deadline = time.monotonic() + self._patience
        wait = 0.05
        while True:
            try:
                response = call()
            except httpx2.TransportError as error:
                if time.monotonic() + wait > deadline:
                    raise Unreachable(f"{self.base} gives no answer.") from error
            else:
                if response.status_code != 503 or time.monotonic() + wait > deadline:
                    return self._accept(response)
            time.sleep(wait)
            wait = min(wait * 2, 1.0)

    def _accept(self, response: httpx2.Response) -> bytes:
        if response.is_success:
            return response.content
        try:
            body = msgspec.json.decode(response.content, type=_ErrorBody)
        except ValueError:
            body = _ErrorBody(what="The service refused without saying why.")
        raise RemoteError(
            body.what or body.detail,
            remote_code=str(body.code),
            stable_code=body.error,
            status=response.status_code,
            why=body.why,
            todo=body.todo,
        )

    def _decode(self, data: bytes, into: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=into)
        except ValueError as error:
            raise RemoteError(
                f"{self.base} gave an answer of the wrong shape.", remote_code="service.bad_answer", status=200
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._finalizer()
