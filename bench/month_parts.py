"""What the parts of `bench.month` tell each other. Knows nothing of the office, whose settings are not there yet."""

import msgspec

RULE = "food-basket"
CYCLE = "2026-10"


class Task(msgspec.Struct, frozen=True):
    """What to do: where the files and the log are."""

    folder: str
    mapping: str
    households: str
    individuals: str
    log_url: str
    log_vkey: str
    clock: str


class Phase(msgspec.Struct, frozen=True):
    """One part of the month: seconds, the parts' seconds, the peak memory up to its end in bytes."""

    seconds: float
    parts: dict[str, float]
    peak: int


class Month(msgspec.Struct, frozen=True):
    """What was measured."""

    households: int
    persons: int
    eligible: int
    idle: int
    importing: Phase
    deciding: Phase
    database: int


class Peers(msgspec.Struct, frozen=True):
    """Seconds of ours and of the peer: evaluation chunk by chunk and at once, and signing."""

    households: int
    chunked: tuple[float, float]
    at_once: tuple[float, float]
    into_columns: float
    signed: int
    signing: tuple[float, float]
    agree: bool
