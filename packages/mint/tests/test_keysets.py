"""The life of a keyset as wallets meet it: published and provable, rotated, past its end, in its time of grace, closed."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from packages.mint.tests.conftest import FOOD, NOON, RENT, Town, Wallet, refused

from amparo_cashu.errors import KeysetExpired, KeysetInactive
from amparo_cashu.nut02_keyset import check_keyset
from amparo_cashu.wire import BlindedMessage, Keyset, Proof
from amparo_common.bridge import MintFigures
from amparo_common.ids import KeysetId
from amparo_mint.calendar import GRACE_SECONDS
from amparo_mint.catalogue import Catalogue, Listed
from amparo_mint.model import KeysetRow
from amparo_service.errors import KeyMissing, Unreachable

END = int(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
GRACE_IS_OVER = datetime.fromtimestamp(END + GRACE_SECONDS + 1, UTC)


def post(town: Town, path: str, body: dict[str, Any]) -> Any:
    """A request with the operator's token, whatever comes of it."""
    return town.http.post(
        path, json=body, headers={"authorization": f"Bearer {town.operation.operator_token().decode()}"}
    )


def published(town: Town, keyset: str) -> list[MintFigures]:
    """What the log says about a keyset."""
    return [body for _, body in town.log.view().mint_figures if body.keyset == keyset]


def closing(keyset: str) -> dict[str, str]:
    """The request that closes a keyset after its grace."""
    return {"keyset": keyset}


def test_keys_are_published_with_ids_that_commit_to_them(town: Town, keyset: str) -> None:
    town.new_keyset("2026-11", unit=RENT, final_expiry=int(NOON.timestamp()) + 1_000)
    shown = town.http.get("/v1/keys").json()["keysets"]
    assert sorted(each["unit"] for each in shown) == ["food", "rent"]
    for each in shown:
        check_keyset(msgspec.convert(each, Keyset))
        announced = town.log.view().keyset(each["id"])
        assert announced is not None
        assert (announced.keys, announced.unit, announced.final_expiry) == (
            each["keys"],
            each["unit"],
            each["final_expiry"],
        )


def test_the_same_keyset_announced_twice_is_one(town: Town, keyset: str) -> None:
    assert town.new_keyset("2026-11") == keyset
    assert len(town.http.get("/v1/keysets").json()["keysets"]) == 1


def test_a_keyset_that_the_log_does_not_have_signs_nothing(town: Town, keyset: str) -> None:
    town.log.away = True
    body = {"unit": FOOD, "period": "2026-12", "final_expiry": None}
    refused(post(town, "/operate/keysets", body), 10000, "service.unreachable", status=503)
    assert [each["id"] for each in town.http.get("/v1/keysets").json()["keysets"]] == [keyset]
    town.log.away = False
    assert post(town, "/operate/keysets", body).status_code == 200
    assert len(town.http.get("/v1/keysets").json()["keysets"]) == 2


def test_after_its_end_a_keyset_gives_no_new_tokens_and_its_own_are_good_through_the_time_of_grace(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    short = town.new_keyset("december", final_expiry=END)
    proofs = wallet.receive(short, 96)
    town.clock.set(datetime.fromtimestamp(END, UTC))
    (first, second) = wallet.swap(proofs, wallet.split(short, 96))
    town.clock.set(datetime.fromtimestamp(END + 1, UTC))
    answer = town.http.post("/v1/swap", content=wallet.swap_body([first], wallet.split(short, 32)))
    refused(answer, 12002, "token.keyset_inactive")
    # What it says of itself is no other than what it does.
    town.run(town.server.keep_calendar)
    listed = town.http.get("/v1/keysets").json()["keysets"]
    assert {each["id"]: each["active"] for each in listed} == {keyset: False, short: False}
    assert town.http.get("/v1/keys").json()["keysets"] == []
    assert town.http.get(f"/v1/keys/{short}").json()["keysets"][0]["active"] is False
    newer = town.new_keyset("2027-01")
    town.clock.set(datetime.fromtimestamp(END + GRACE_SECONDS, UTC))
    wallet.swap([first], wallet.split(newer, 32))
    deposit = wallet.deposit_body(wallet.deposit_quote(64), [second])
    assert town.http.post("/v1/melt/settle", content=deposit).json()["state"] == "PAID"
    assert town.figures() == {keyset: (0, 0, 0, 0), short: (96, -32, 64, 0), newer: (0, 32, 0, 32)}


def test_what_is_outstanding_stays_so_until_the_keyset_is_closed_and_is_then_expired(
    town: Town, wallet: Wallet
) -> None:
    short = town.new_keyset("december", final_expiry=END)
    spent, kept = wallet.receive(short, 64), wallet.receive(short, 32)
    town.http.post("/v1/melt/settle", content=wallet.deposit_body(wallet.deposit_quote(64), spent))
    town.clock.set(datetime.fromtimestamp(END + GRACE_SECONDS, UTC))
    refused(post(town, "/operate/keysets/close", closing(short)), 10000, "mint.keyset_still_in_use", status=409)
    assert town.figures()[short] == (96, 0, 64, 32)
    town.clock.set(GRACE_IS_OVER)
    for _ in range(2):
        answer = post(town, "/operate/keysets/close", closing(short))
        assert answer.json() == {"keyset": short, "unit": "food", "returned": 32}
    # Of the month of its end, although it is closed months later.
    found = {(each.period, each.outstanding, each.expired, each.redeemed) for each in published(town, short)}
    assert found == {("2026-12", 0, 32, 64)}
    assert short not in town.figures()
    # Gone everywhere: from the answers, from the database, from the signer.
    assert short not in {each["id"] for each in town.http.get("/v1/keysets").json()["keysets"]}
    refused(town.http.get(f"/v1/keys/{short}"), 12001, "token.keyset_unknown")
    assert short not in {each.id for each in town.run(town.signer.keysets)}
    fresh = wallet.split(town.new_keyset("2027-04"), 32)
    answer = town.http.post("/v1/swap", content=wallet.swap_body(kept, fresh))
    refused(answer, 12001, "token.keyset_unknown")
    # It cannot come back under its old name either.
    body = {"unit": FOOD, "period": "december", "final_expiry": END}
    assert post(town, "/operate/keysets", body).status_code >= 400


def test_a_keyset_that_never_ends_or_does_not_exist_cannot_be_closed(town: Town, keyset: str) -> None:
    for each in (keyset, "01" + "ab" * 32):
        body = {"keyset": each}
        refused(post(town, "/operate/keysets/close", body), 10000, "mint.keyset_still_in_use", status=409)


def test_a_keyset_is_not_closed_under_a_deposit_that_waits(town: Town, wallet: Wallet) -> None:
    short = town.new_keyset("december", final_expiry=END)
    proofs = wallet.receive(short, 64)
    quote = wallet.deposit_quote(64)
    town.shops.away = True
    town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, proofs))
    town.clock.set(GRACE_IS_OVER)
    refused(post(town, "/operate/keysets/close", closing(short)), 10000, "mint.keyset_still_in_use", status=409)
    town.shops.away = False
    town.run(town.server.deliver)
    assert post(town, "/operate/keysets/close", closing(short)).json()["returned"] == 0


def test_a_keyset_closed_while_the_log_is_away_is_published_and_its_keys_destroyed_later(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    """Nobody's balance goes silently, and others are served all the while."""
    short = town.new_keyset("december", final_expiry=END)
    wallet.receive(short, 32)
    proofs = wallet.receive(town.new_keyset("2027-03"), 64)
    town.log.away = True
    town.clock.set(GRACE_IS_OVER)
    answer = post(town, "/operate/keysets/close", closing(short))
    refused(answer, 10000, "service.unreachable", status=503)
    assert wallet.state(proofs) == ["UNSPENT"]
    assert published(town, short) == []
    with pytest.raises(Unreachable):
        town.run(town.server.keep_calendar)
    town.log.away = False
    town.run(town.server.keep_calendar)
    assert {(each.outstanding, each.expired) for each in published(town, short)} == {(0, 32)}
    assert short not in {each.id for each in town.run(town.signer.keysets)}


def test_when_a_keyset_takes_part_is_decided_to_the_second() -> None:
    one = Listed(KeysetRow(1, KeysetId("01old"), FOOD, "p", 1_000, "ending"), {1: "00"})
    other = Listed(KeysetRow(2, KeysetId("01new"), FOOD, "q", None, "active"), {1: "00"})
    ends = Listed(KeysetRow(3, KeysetId("01ends"), FOOD, "r", 1_000, "active"), {1: "00"})
    catalogue = Catalogue([one, other, ends])

    def closed(into: str, now: int) -> type[Exception] | None:
        found = catalogue.closed_to([Proof(1, "01old", "s", "C")], [BlindedMessage(1, into, "B")], now=now)
        return None if found is None else type(found)

    assert closed("01new", 1_000 + GRACE_SECONDS) is None
    assert closed("01new", 1_001 + GRACE_SECONDS) is KeysetExpired
    assert closed("01old", 0) is KeysetInactive
    assert closed("01ends", 1_000) is None
    assert closed("01ends", 1_001) is KeysetInactive


def test_a_mint_whose_signer_has_lost_a_keyset_says_that_it_is_not_ready(town: Town, keyset: str) -> None:
    assert town.http.get("/ready").json() == {"ready": True}
    town.run(lambda: town.signer.retire(keyset))
    assert town.http.get("/ready").json()["error"] == "service.key_missing"
    with pytest.raises(KeyMissing):
        town.run(town.server.use_keysets)


@pytest.mark.parametrize(
    "body",
    [
        {"unit": "USD", "period": "x", "final_expiry": None},
        {"unit": "usd|final_expiry:1999999999", "period": "x", "final_expiry": None},
        {"unit": "\u00e9", "period": "x", "final_expiry": None},
        {"unit": "", "period": "x", "final_expiry": None},
        {"unit": "usd", "period": "x", "final_expiry": int(NOON.timestamp()) - 1},
    ],
)
def test_what_should_never_stand_in_the_log_is_not_announced(sqlite_town: Town, body: dict[str, Any]) -> None:
    before = len(sqlite_town.log.said)
    refused(post(sqlite_town, "/operate/keysets", body), 10000, "service.bad_request")
    assert len(sqlite_town.log.said) == before
