"""Good requests of every kind, and what can be put in the place of each of their parts."""

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
from tests.faults.mint.stories import Life
from tests.faults.mint.town import SHOP

from amparo_cashu.curve import generator_times, show_point

Json = Any

# What JSON can say that no field of ours means.
VALUES: tuple[Json, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    1e308,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
    -(2**63),
    10**400,
    "",
    " ",
    "0",
    "\0",
    "a\0b",
    "\ud800",
    "é",
    "\U0001f4a5",
    "\u202e",
    "ß" * 600,
    "x" * 1_025,
    "x" * 200_000,
    "00" * 33,
    "02" + "ff" * 32,
    "04" + "11" * 64,
    "../../etc/passwd",
    "'; DROP TABLE keyset; --",
    [],
    [[]],
    [None],
    [1] * 50_000,
    [""] * 50_000,
    ["\0"],
    {},
    {"": ""},
    {"__proto__": {}},
)


async def good_requests(life: Life) -> dict[str, Json]:
    """A body for each address that takes one, by its path; each would be accepted."""
    wallet, line = life.wallet, life.line
    given = await wallet.receive(line, [1, 2])
    later = await wallet.receive(line, [4])
    quotes = [await wallet.quote(line, 3) for _ in range(3)]
    melt = await wallet.deposit_quote(line, 4)
    blanks = [wallet.blanks([1, 2]) for _ in range(4)]
    bodies = {
        "/v1/swap": _body(wallet.swap(given, blanks[0])),
        "/v1/mint/quote/benefit": {
            "unit": wallet.unit,
            "amount": 7,
            "pubkey": show_point(generator_times(b"\1" * 32)),
        },
        "/v1/mint/quote/benefit/check": {"quotes": [quote.id for quote in quotes]},
        "/v1/mint/benefit": _body(wallet.claim(quotes[0], blanks[1])),
        "/v1/mint/benefit/batch": _body(wallet.claim_all(quotes[1:], wallet.blanks([2, 4]))),
        "/v1/melt/quote/settle": {"request": SHOP, "unit": wallet.unit, "amount": 4},
        "/v1/melt/settle": _body(wallet.deposit(melt, later)),
        "/v1/checkstate": {"Ys": [show_point(generator_times(b"\2" * 32))]},
        "/v1/restore": {"outputs": [msgspec.to_builtins(blank.output) for blank in blanks[2]]},
    }
    # As Python's own numbers and texts, to be changed.
    return {path: msgspec.json.decode(msgspec.json.encode(body)) for path, body in bodies.items()}


def _body(request: bytes) -> Json:
    return msgspec.json.decode(request.partition(b"\r\n\r\n")[2])


def changed(body: Json) -> Iterator[tuple[str, Json]]:
    """The body with each of its parts replaced by each of the values, and with each part left out: what was done, the result."""
    for place in _places(body):
        for number, value in enumerate(VALUES):
            yield f"{place} = value {number}", _with(body, place, value)
        if place:
            yield f"{place} left out", _without(body, place)


def _places(value: Json) -> Iterator[tuple[str | int, ...]]:
    yield ()
    parts: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        for rest in _places(part):
            yield (key, *rest)


def _with(body: Json, place: tuple[str | int, ...], value: Json) -> Json:
    if not place:
        return value
    made = copy.deepcopy(body)
    _parent(made, place)[place[-1]] = value
    return made


def _without(body: Json, place: tuple[str | int, ...]) -> Json:
    made = copy.deepcopy(body)
    del _parent(made, place)[place[-1]]
    return made


def _parent(value: Json, place: tuple[str | int, ...]) -> Json:
    for key in place[:-1]:
        value = value[key]
    return value
