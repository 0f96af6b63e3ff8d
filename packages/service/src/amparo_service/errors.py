"""Errors of the shared service edge.

AmparoError
  ServiceError
    BodyTooLarge        service.body_too_large
    BadRequest          service.bad_request
    NotFound            service.not_found
    NotAllowed          service.not_allowed
    TooOften            service.too_often
    Unreachable         service.unreachable
    RemoteError         service.remote_error (carries the other side's own code)
    PortTaken           service.port_taken
    CannotStore         service.cannot_store
    DatabaseTooNew      service.database_too_new
    KeyMissing          service.key_missing
    Unexpected          service.unexpected
"""

from amparo_common.errors import AmparoError


class ServiceError(AmparoError):
    """Base of this package's errors."""

    code = "service.error"


class BodyTooLarge(ServiceError):
    """A request is larger than this address takes."""

    code = "service.body_too_large"
    http_status = 413
    why = "Every address has a size limit, so that nobody can fill the memory."
    todo = "Send less at a time."


class BadRequest(ServiceError):
    """A request does not have the agreed shape."""

    code = "service.bad_request"
    why = "A field is missing, unknown or of the wrong type."
    todo = "Compare the request with docs/formats."


class NotFound(ServiceError):
    """There is nothing at this address."""

    code = "service.not_found"
    http_status = 404
    why = "The address is wrong or the thing was never there."
    todo = "Check the address."


class NotAllowed(ServiceError):
    """The caller did not show that they may do this."""

    code = "service.not_allowed"
    http_status = 403
    why = "This needs a role that the caller did not prove."
    todo = "Log in with the right role, or ask somebody who has it."


class TooOften(ServiceError):
    """The same one asks more often than anybody needs to."""

    code = "service.too_often"
    http_status = 429
    why = "What is given without end could be used to flood another service."
    todo = "Try again tomorrow. Nothing is lost."


class Unreachable(ServiceError):
    """Another service gave no answer."""

    code = "service.unreachable"
    http_status = 503
    why = "It is stopped, starting or too busy."
    todo = "Try again; nothing was lost, and repeating is safe."


class RemoteError(ServiceError):
    """Another service refused; its own code and words are kept. A mint has two codes: the protocol's number
    (`remote_code`) and our name for it (`stable_code`)."""

    code = "service.remote_error"
    http_status = 502
    why = ""

    def __init__(
        self, what: str, *, remote_code: str, status: int, why: str = "", todo: str = "", stable_code: str = ""
    ) -> None:
        super().__init__(what, why=why, todo=todo)
        self.remote_code = remote_code
        self.stable_code = stable_code or remote_code
        self.status = status

    def public(self) -> dict[str, str]:
        """Shows the other side's code."""
        return super().public() | {"code": self.stable_code}


class PortTaken(ServiceError):
    """The port is in use."""

    code = "service.port_taken"
    why = "Another program listens there."
    todo = "Stop that program, or start again without naming a port: a free one is then chosen."


class CannotStore(ServiceError):
    """The disk did not take what had to be kept."""

    code = "service.cannot_store"
    http_status = 503
    why = "The disk is full, read-only or failing; nothing was half-written."
    todo = "Free some space and try again."


class DatabaseTooNew(ServiceError):
    """The database was written by a newer version."""

    code = "service.database_too_new"
    why = "Going back to an older version could lose what the newer one wrote."
    todo = "Start the version that wrote it, or restore the backup made before the upgrade."


class Unexpected(ServiceError):
    """Something failed that nobody thought of."""

    code = "service.unexpected"
    http_status = 500
    why = "This is a fault of the system, never a decision about you."
    todo = "Try again; repeating is safe."


class KeyMissing(ServiceError):
    """A service's folder holds its database but not a key that belongs to it."""

    code = "service.key_missing"
    why = "A new key beside an old database would silently break what was signed, sealed or spent under the old one."
    todo = "Put the key file back from the backup. If it is lost for good: docs/operate says what that means (files.md, mint.md)."
