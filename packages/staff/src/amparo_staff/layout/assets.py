"""The files that every page needs (style, icons, one script), read from the installed package. Their names carry a hash of what
they hold, so browsers keep them for a year and still see a new version at once."""

import functools
import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from importlib import resources

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from amparo_staff.accounts.access import public

FOLDER = "static/layout"
KEPT = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its public name, its kind, what it holds, and the same packed."""

    name: str
    kind: str
    content: bytes
    packed: bytes


@functools.cache
def assets() -> dict[str, Asset]:
    """Every file, by its name in the package."""
    folder = resources.files("amparo_staff.layout").joinpath(FOLDER)
    return {each.name: _asset(each.name, each.read_bytes()) for each in folder.iterdir() if each.is_file()}


def address(name: str) -> str:
    """Where a file is found."""
    return f"/{settings.STATIC_URL.strip('/')}/{assets()[name].name}"


@public
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """One file."""
    found = next((each for each in assets().values() if each.name == name), None)
    if found is None:
        raise Http404
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    answer = HttpResponse(found.packed if packed else found.content, content_type=found.kind)
    if packed:
        answer["Content-Encoding"] = "gzip"
    answer["Vary"] = "Accept-Encoding"
    answer["Cache-Control"] = KEPT
    return answer


def _asset(name: str, content: bytes) -> Asset:
    stem, _, end = name.rpartition(".")
    kind = mimetypes.types_map.get(f".{end}", "application/octet-stream")
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{end}"
    return Asset(hashed, kind, content, gzip.compress(content, mtime=0))
