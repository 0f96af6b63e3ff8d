"""Where this desk's files are, from environment variables: AMPARO_OFFICE_FOLDER (config.json, keys, sealed files),
AMPARO_OFFICE_DATABASE (postgresql://USER@HOST:PORT/NAME; without it a SQLite file in the folder), and for practice with invented
people AMPARO_OFFICE_CLOCK (a file with the invented time). What an operator may choose: AMPARO_OFFICE_SHARING ("on": lists for
other organisations exist), AMPARO_OFFICE_EXPORT_ALONE (how many records one member may take out alone in a week, at most 500)."""

import functools
import os
import tempfile
import urllib.parse
from pathlib import Path
from typing import Any

FOLDER = "AMPARO_OFFICE_FOLDER"
DATABASE = "AMPARO_OFFICE_DATABASE"
CLOCK = "AMPARO_OFFICE_CLOCK"
SHARING = "AMPARO_OFFICE_SHARING"
EXPORT_ALONE = "AMPARO_OFFICE_EXPORT_ALONE"
MOST_ALONE = 500

# How long a writer waits for another one on SQLite, in seconds: a large list is taken in by one transaction (`bench.intake` says
# how long that is).
PATIENCE = 60
# A power cut loses nothing that was answered. Writers wait for each other instead of failing.
_SQLITE = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;",
    "transaction_mode": "IMMEDIATE",
    "timeout": PATIENCE,
}


def folder() -> Path:
    """The folder of this desk. Where none is named (a type checker reads the settings), one that goes with the process."""
    named = os.environ.get(FOLDER, "")
    return Path(named) if named else Path(_passing().name)


@functools.cache
def _passing() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="amparo-desk-")


def practice_clock() -> Path | None:
    """The file with the invented time, in practice."""
    named = os.environ.get(CLOCK, "")
    return Path(named) if named else None


def practice() -> bool:
    """Whether this desk is for practice."""
    return practice_clock() is not None


def sharing() -> bool:
    """Whether lists for other organisations exist here."""
    return os.environ.get(SHARING, "") == "on"


def export_alone() -> int:
    """How many records one member may take out alone in a week. What is not a smaller whole number is 500: a slip never allows
    more."""
    said = os.environ.get(EXPORT_ALONE, "")
    return min(int(said), MOST_ALONE) if said.isascii() and said.isdigit() else MOST_ALONE


def database(address: str | None = None, path: Path | None = None) -> dict[str, Any]:
    """Django's settings of the database."""
    address = os.environ.get(DATABASE, "") if address is None else address
    if not address:
        name = path or folder() / "register.sqlite"
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(name), "OPTIONS": dict(_SQLITE)}
    parts = urllib.parse.urlsplit(address)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.removeprefix("/"),
        "USER": urllib.parse.unquote(parts.username or ""),
        "PASSWORD": urllib.parse.unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        # Each request has a thread of its own: a connection kept for the next one would stay open unused.
        "CONN_MAX_AGE": 0,
        # A page's queries are short: compiling one, which PostgreSQL does by its estimate, takes longer than to answer it.
        "OPTIONS": {"options": "-c jit=off"},
    }
