"""Two records side by side: what was compared, what each says, and whether it agrees. Pure; nothing else of a record comes in."""

from typing import Literal

import jellyfish
import msgspec

from amparo_office.duplicates.compared import Birth, Compared
from amparo_office.duplicates.kinds import Kind
from amparo_office.register.sealing import Identity, Name

State = Literal["same", "alike", "different", "missing"]
_CLOSE = 0.88


class Side(msgspec.Struct, frozen=True):
    """One of the two: as it is said, and as it is compared."""

    identity: Identity
    birth: Birth
    area: str
    head: Name | None
    compared: Compared


class Row(msgspec.Struct, frozen=True):
    """One kind of data of both."""

    kind: Kind
    first: list[str]
    second: list[str]
    state: State


def rows(first: Side, second: Side) -> list[Row]:
    """All that was compared, in the order in which people think of it."""
    one, other = first.compared, second.compared
    return [
        _row("name", _names(first), _names(second), _name_state(one, other)),
        _row("birth", _birth(first.birth), _birth(second.birth), _birth_state(first.birth, second.birth)),
        _row("papers", _papers(first), _papers(second), _papers_state(one, other)),
        _row("telephone", _one(first.identity.telephone), _one(second.identity.telephone), _phone_state(one, other)),
        _row("head", _heads(first), _heads(second), "same" if one.head == other.head else "different"),
        _row(
            "area",
            _one(first.area),
            _one(second.area),
            "same" if first.area == second.area else _district_state(one, other),
        ),
    ]


def _row(kind: Kind, first: list[str], second: list[str], state: State) -> Row:
    return Row(kind, first, second, state if first and second else "missing")


def _one(text: str) -> list[str]:
    return [text] if text else []


def _names(side: Side) -> list[str]:
    return [name.whole() for name in side.identity.names]


def _heads(side: Side) -> list[str]:
    return [] if side.head is None or side.compared.head is None else [side.head.whole()]


def _papers(side: Side) -> list[str]:
    return [each.number for each in side.identity.documents]


def _birth(born: Birth) -> list[str]:
    parts = [
        f"{part:0{width}d}" for part, width in ((born.year, 4), (born.month, 2), (born.day, 2)) if part is not None
    ]
    return ["-".join(parts)] if parts else []


def _name_state(one: Compared, other: Compared) -> State:
    if sorted(one.words) == sorted(other.words):
        return "same"
    close = [
        word
        for word in one.words
        if any(jellyfish.jaro_winkler_similarity(word, each) >= _CLOSE for each in other.words)
    ]
    shared = max(len(close), len({*one.sounds} & {*other.sounds}))
    return "alike" if shared >= max(1, min(len(one.words), len(other.words)) - 1) else "different"


def _birth_state(one: Birth, other: Birth) -> State:
    if one == other and one.day is not None:
        return "same"
    known = [(a, b) for a, b in ((one.year, other.year), (one.month, other.month), (one.day, other.day)) if a and b]
    agreeing = sum(a == b for a, b in known)
    swapped = one.year == other.year and (one.month, one.day) == (other.day, other.month)
    near = one.year and other.year and abs(one.year - other.year) <= 2 and (one.estimated or other.estimated)
    return "alike" if swapped or near or (known and agreeing >= len(known) - (len(known) == 3)) else "different"


def _papers_state(one: Compared, other: Compared) -> State:
    if {*one.papers} & {*other.papers}:
        return "same"
    near = any(jellyfish.damerau_levenshtein_distance(a, b) == 1 for a in one.papers for b in other.papers)
    return "alike" if near else "different"


def _phone_state(one: Compared, other: Compared) -> State:
    if one.telephone == other.telephone:
        return "same"
    near = jellyfish.damerau_levenshtein_distance(one.telephone or "", other.telephone or "") == 1
    return "alike" if near else "different"


def _district_state(one: Compared, other: Compared) -> State:
    return "alike" if one.district is not None and one.district == other.district else "different"
