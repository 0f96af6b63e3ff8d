"""NUT-21 and NUT-22: which requests a mint protects. A path matches as a whole, or by its beginning when it ends in `*`.

Never a regular expression: the paths come from a mint and are not trusted. Not here: log-in itself (OpenID Connect).
"""

from collections.abc import Iterable

from amparo_cashu.errors import BadToken
from amparo_cashu.wire import Endpoint

LONGEST_PATH = 256
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def check_endpoints(endpoints: Iterable[Endpoint]) -> None:
    """Raises `BadToken` unless every endpoint names a method and a path of which only the end may be `*`."""
    for endpoint in endpoints:
        path = endpoint.path
        if endpoint.method not in _METHODS or not path.startswith("/") or "*" in path[:-1] or len(path) > LONGEST_PATH:
            raise BadToken("A protected endpoint is malformed.")


def is_protected(endpoints: Iterable[Endpoint], *, method: str, path: str) -> bool:
    """Whether a request for `path` (without a query) is among the endpoints."""
    return any(endpoint.method == method and _matches(endpoint.path, path) for endpoint in endpoints)


def _matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
