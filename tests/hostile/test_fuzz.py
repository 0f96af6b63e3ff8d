"""Every reader of strangers' bytes takes good ones, and some thousands of wrong ones; `fuzz.py` gives it as many as one likes."""

import random

import msgspec
import pytest
from tests.hostile.fuzz import at_random
from tests.hostile.fuzz_mint import good_bodies
from tests.hostile.fuzz_targets import TARGETS
from tests.hostile.fuzz_world import world

from amparo_cashu.nut00_token import read_raw, read_token

TRIES, NEW = 2_000, 500


@pytest.mark.parametrize("name", list(TARGETS))
def test_a_reader_takes_its_seeds_and_thousands_of_changes_of_them(name: str) -> None:
    for seed in TARGETS[name].seeds():
        TARGETS[name].run(seed)
    found = at_random(name, lambda done: done >= TRIES, dice=random.Random(name))
    assert (found.executions, found.fault) == (TRIES, "")
    # And some that no run has tried before.
    found = at_random(name, lambda done: done >= NEW)
    assert (found.executions, found.fault) == (NEW, "")


def test_a_reader_that_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: bytes) -> None:
        if b"[" in data:
            raise ValueError

    monkeypatch.setitem(TARGETS, "locks", msgspec.structs.replace(TARGETS["locks"], run=fails))
    assert "ValueError" in at_random("locks", lambda done: done >= TRIES).fault


def test_the_bodies_that_the_changes_begin_with_are_carried_out() -> None:
    """So that a change of one reaches the far end of what judges it."""
    assert {
        place: world().ask(place, "", body).status for place, body in good_bodies().items() if body
    } == dict.fromkeys(good_bodies(), 200)


def test_every_address_that_takes_a_body_has_a_good_one() -> None:
    assert set(good_bodies()) == {place for place in world().routes if place[0] == "POST"}


def test_the_tokens_that_the_changes_begin_with_are_read() -> None:
    keysets, seeds = [world().keyset.id], list(TARGETS["token"].seeds())
    assert read_token(seeds[0].decode(), keysets=keysets) == read_raw(seeds[1], keysets=keysets)
