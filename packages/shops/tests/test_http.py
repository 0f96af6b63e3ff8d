"""The shops side over HTTP: the mint's messages, what a shop sees, what only the finance officer may do."""

from typing import Any

import pytest
from packages.shops.tests.conftest import (
    FOOD,
    ISSUER,
    LOGIN_KEY,
    MINT_KEY,
    SHOPS_KEY,
    Town,
    deposit,
    judge,
    settled,
    texts,
)

from amparo_common import canonical
from amparo_common.bridge import seal
from amparo_common.ids import ShopId
from amparo_common.signing import SigningKey, verify_compact
from amparo_service.login import CLIENT, TYP, LogIn
from amparo_shops.errors import NotThisShop
from amparo_shops.service import Accredited


def bearer(shop: Accredited) -> dict[str, str]:
    return {"authorization": f"Bearer {shop.access}"}


def test_the_mints_signed_message_is_booked_over_http_and_no_other(town: Town) -> None:
    message = seal(deposit(1, town.bakery, 1_050), MINT_KEY)
    for _ in range(2):
        assert town.http.post("/bridge/deposited", content=message).json() == {"booked": True}
    assert town.shops.standing(town.bakery.shop, FOOD).deposited == 1_050
    forged = [seal(deposit(2, town.bakery, 9), SigningKey.generate()), seal(deposit(2, town.bakery, 9), SHOPS_KEY)]
    for bad in [*forged, message[:-4], "", "\xff"]:
        answer = town.http.post("/bridge/deposited", content=bad)
        assert (answer.status_code, answer.json()["code"]) == (403, "common.bad_signature")
    differs = town.http.post("/bridge/deposited", content=seal(deposit(1, town.bakery, 9), MINT_KEY))
    assert (differs.status_code, differs.json()["code"]) == (409, "shops.deposit_differs")
    assert town.shops.standing(town.bakery.shop, FOOD).deposited == 1_050


def test_the_mint_asks_which_shop_is_settled_in_which_unit(town: Town) -> None:
    for shop, unit, known in ((town.bakery, "food", True), (town.bakery, "rent", False), (town.grocer, "rent", True)):
        answer = town.http.post("/bridge/accreditation", json={"shop": shop.shop, "unit": unit}).json()
        assert answer == {"kind": "accreditation", "shop": shop.shop, "unit": unit, "accredited": known}
    answer = town.http.post("/bridge/accreditation", json={"shop": "0" * 32, "unit": "food"})
    assert (answer.status_code, answer.json()["code"]) == (404, "shops.unknown_shop")


def test_a_shop_sees_and_claims_only_its_own(town: Town) -> None:
    town.shops.record_deposit(deposit(1, town.bakery, 1_050))
    zero = {"unit": "food", "deposited": 0, "to_settle": 0, "asked": 0, "settled": 0}
    own = zero | {"deposited": 1_050, "to_settle": 1_050}
    assert town.http.get("/mine/food", headers=bearer(town.bakery)).json() == own
    assert town.http.get("/mine/food", headers=bearer(town.grocer)).json() == zero
    body = {"claim": "1", "unit": "food", "amount": 1_000}
    answer = town.http.post("/claims", json=body, headers=bearer(town.grocer))
    assert (answer.status_code, answer.json()["code"]) == (409, "shops.claim_exceeds_deposits")
    for _ in range(2):
        answer = town.http.post("/claims", json=body, headers=bearer(town.bakery))
        assert answer.json() == own | {"asked": 1_000}
    # Both shops number their claims from 1: one's number is not the other's.
    town.shops.record_deposit(deposit(2, town.grocer, 7))
    answer = town.http.post("/claims", json=body | {"amount": 7}, headers=bearer(town.grocer))
    assert answer.json() == zero | {"deposited": 7, "to_settle": 7, "asked": 7}


@pytest.mark.parametrize("token", [None, "", "Bearer ", "Bearer wrong", "shop"])
def test_without_a_shops_access_code_nothing_is_seen_or_claimed(town: Town, token: str | None) -> None:
    town.shops.record_deposit(deposit(1, town.bakery, 1_050))
    given_ = town.bakery.shop if token == "shop" else token
    headers = {} if given_ is None else {"authorization": given_}
    answers = [
        town.http.get("/mine/food", headers=headers),
        town.http.post("/claims", json={"claim": "1", "unit": "food", "amount": 1}, headers=headers),
        town.http.post("/login", headers=headers),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (403, "shops.not_this_shop")
        assert "1050" not in answer.text
    assert town.rows("SELECT id FROM claim") == []


def test_a_shop_is_logged_in_at_the_mint_without_being_named(town: Town) -> None:
    names = set()
    for shop in (town.bakery, town.bakery, town.grocer):
        token = town.http.post("/login", headers=bearer(shop)).json()["login"]
        said = canonical.decode(verify_compact(token, LOGIN_KEY.public, typ=TYP), LogIn)
        assert (said.iss, said.azp, shop.shop in token) == (ISSUER, CLIENT, False)
        names.add(said.sub)
    assert len(names) == 3


def test_access_codes_are_not_on_the_disk(town: Town) -> None:
    with pytest.raises(NotThisShop):
        town.shops.shop_of(town.bakery.access + "x")
    assert town.shops.shop_of(town.bakery.access).id == town.bakery.shop
    with town.database.reading() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = b"".join(path.read_bytes() for path in town.folder.iterdir())
    assert town.bakery.shop.encode() in kept
    assert town.bakery.access.encode() not in kept


FINANCE: list[tuple[str, str, Any]] = [
    ("POST", "/shops", {"name": "A", "account": "1", "units": ["food"]}),
    ("POST", "/settlements", {"run": "r", "unit": "food"}),
    ("GET", "/settlements/2026-11/file", None),
    ("POST", "/settlements/2026-11/confirm", None),
    ("POST", "/figures", {"period": "2026-11"}),
    ("GET", "/ledger", None),
]


@pytest.mark.parametrize(("method", "path", "body"), FINANCE, ids=lambda value: str(value)[:25])
def test_only_the_finance_officer_accredits_settles_confirms_publishes_and_reads_the_ledger(
    town: Town, method: str, path: str, body: Any
) -> None:
    settled(town)
    town.shops.claim(town.grocer.shop, FOOD, 100, claim="d")
    logged = town.log.view().size
    before = (
        town.shops.trial_balance(),
        town.rows("SELECT count(*) FROM shop"),
        town.rows("SELECT run FROM settlement"),
    )
    tries = [{}, {"authorization": "Bearer "}, {"authorization": "Bearer wrong"}, bearer(town.bakery)]
    for headers in tries:
        answer = town.http.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "service.not_allowed")
        assert set(answer.json()) == {"code", "what", "why", "todo"}
    after = (
        town.shops.trial_balance(),
        town.rows("SELECT count(*) FROM shop"),
        town.rows("SELECT run FROM settlement"),
    )
    assert (after, town.log.view().size) == (before, logged)
    assert town.finance(method, path, body).status_code == 200


def test_the_finance_officer_settles_a_month_over_http(town: Town) -> None:
    new = {"name": "Kiosk", "account": "DE89 3704 0044 0532 0130 00", "units": ["food"]}
    made = town.finance("POST", "/shops", new).json()
    kiosk = Accredited(shop=ShopId(made["shop"]), access=made["access"])
    town.http.post("/bridge/deposited", content=seal(deposit(1, kiosk, 1_050), MINT_KEY))
    claim = {"claim": "1", "unit": "food", "amount": 1_050}
    assert town.http.post("/claims", json=claim, headers=bearer(kiosk)).status_code == 200
    answer = town.finance("POST", "/settlements", {"run": "2026-11", "unit": "food"}).json()
    assert answer == {"run": "2026-11", "unit": "food", "total": 1_050, "confirmed": False}
    file = town.finance("GET", "/settlements/2026-11/file")
    assert file.headers["content-type"] == "application/xml"
    judge(file.content)
    assert texts(file.content, ".//InstdAmt") == ["10.50"]
    assert town.finance("POST", "/settlements/2026-11/confirm").json()["confirmed"] is True
    assert town.finance("POST", "/figures", {"period": "2026-11"}).json() == {"published": 1}
    ((_, figures),) = town.log.view().settlements
    assert (figures.deposited, figures.settled, figures.payable) == (1_050, 1_050, 0)
    assert town.finance("GET", "/ledger").json()["food"]["bank:food"] == 0


@pytest.mark.parametrize("path", ["/bridge/accreditation", "/claims", "/shops", "/settlements", "/figures"])
def test_a_request_of_the_wrong_shape_is_refused_in_words(town: Town, path: str) -> None:
    town.http.get("/ledger")
    token = town.bakery.access if path == "/claims" else (town.folder / "operator.token").read_text()
    for body in (b"", b"[]", b"{", b"\xff", b'{"surprise":1}', b"[" * 10_000):
        answer = town.http.post(path, content=body, headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (400, "service.bad_request")
