"""A shop's own web program sells for aid: 402, a code in the header, the goods (NUT-24)."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from packages.till.tests.conftest import NOON, PAYER, Street, code
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from amparo_cashu.nut00_token import write_token
from amparo_cashu.nut10_secret import write_lock
from amparo_cashu.nut24_payment import HEADER, read_request_header
from amparo_cashu.wire import Proof
from amparo_till.errors import TakenBefore
from amparo_till.till import LOCK_SECONDS, SHORTEST_LOCK_SECONDS
from amparo_till.web_sales import Price, WebSales, paid

SOUP = 256


def price_of(request: Request) -> Price | None:
    """A soup costs; the rest is free."""
    return Price(SOUP, "food", request.url.path) if request.url.path.startswith("/soup/") else None


@pytest.fixture
def bakery(street: Street) -> Iterator[TestClient]:
    """The bakery's web program."""

    async def goods(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"goods of {request.url.path}")

    program = Starlette(routes=[Route("/{what:path}", goods)])
    with TestClient(paid(program, WebSales(street.bakery), price_of)) as client:
        yield client


def pays(street: Street, *coins: Proof) -> dict[str, str]:
    """The header that pays a soup with these coins, or with one."""
    return {HEADER: write_token(code(*coins or [street.locked(SOUP, street.bakery)]))}


def test_the_shop_says_what_to_pay_and_gives_the_goods_for_it(street: Street, bakery: TestClient) -> None:
    assert bakery.get("/about").text == "goods of /about"
    asked = bakery.get("/soup/1")
    assert (asked.status_code, asked.json()) == (402, {"amount": SOUP, "unit": "food"})
    request = read_request_header(asked.headers[HEADER])
    assert (request.amount, request.unit, request.mints, request.transports) == (SOUP, "food", ["http://mint"], [])
    assert request.lock is not None
    assert (request.lock.kind, request.lock.data) == ("P2PK", street.bakery.lock_key)
    # Somebody who locks for exactly as long as was asked, and thinks for a day before he pays.
    until = {tag[0]: tag[1] for tag in request.lock.tags}["locktime"]
    assert int(until) == int(NOON.timestamp()) + LOCK_SECONDS
    header = pays(street, street.locked(SOUP, street.bakery, until=int(until)))
    street.clock.set(NOON + timedelta(days=1))
    assert bakery.get("/soup/1", headers=header).text == "goods of /soup/1"
    assert street.bakery.stored("food") == SOUP
    assert street.bakery.deposit("food").deposited == SOUP


def test_who_asks_again_for_the_same_order_gets_it_again_and_pays_once(street: Street, bakery: TestClient) -> None:
    header = pays(street, street.locked(SOUP // 2, street.bakery), street.locked(SOUP // 2, street.bakery))
    for _ in range(2):
        assert bakery.get("/soup/1", headers=header).status_code == 200
    street.connect(connected=False)
    assert bakery.get("/soup/1", headers=header).status_code == 200
    street.connect(connected=True)
    other = bakery.get("/soup/2", headers=header)
    assert (other.status_code, other.json()["code"]) == (400, "till.taken_before")
    assert street.bakery.stored("food") == SOUP
    assert [sale.amount for sale in street.bakery.sales()] == [SOUP]


def test_a_crash_after_the_payment_gives_the_goods_to_who_asks_again(street: Street, bakery: TestClient) -> None:
    header = pays(street)
    assert bakery.get("/soup/1", headers=header).status_code == 200
    street.reopen()
    again = TestClient(paid(Starlette(), WebSales(street.bakery), price_of))
    assert again.get("/soup/1", headers=header).status_code == 404  # paid; this program has no soups
    assert again.get("/soup/2", headers=header).status_code == 400
    assert street.bakery.stored("food") == SOUP


def test_after_the_deposit_nothing_says_which_order_a_coin_paid(street: Street, bakery: TestClient) -> None:
    header = pays(street)
    bakery.get("/soup/1", headers=header)
    street.bakery.deposit("food")
    with street.bakery._database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM paid_order").fetchone() == (0,)
    assert bakery.get("/soup/1", headers=header).status_code == 400


def test_a_code_that_was_spent_elsewhere_buys_nothing(street: Street, bakery: TestClient) -> None:
    coin = street.locked(SOUP, street.bakery)
    other = street.till("bakery", device="2", lock_key=street.bakery.lock_secret())
    other.accept_offline(code(coin), other.request(SOUP, "food"))
    assert other.deposit("food").deposited == SOUP
    answer = bakery.get("/soup/1", headers=pays(street, coin))
    assert (answer.status_code, answer.json()["code"]) == (400, "till.spent_before")
    assert street.bakery.stored("food") == 0


def test_a_code_that_paid_an_order_is_not_taken_at_the_same_till_once_more(street: Street, bakery: TestClient) -> None:
    coin = street.locked(SOUP, street.bakery)
    assert bakery.get("/soup/1", headers=pays(street, coin)).status_code == 200
    for take in (street.bakery.accept_online, street.bakery.accept_offline):
        with pytest.raises(TakenBefore):
            take(code(coin), street.bakery.request(SOUP, "food"))
    assert street.bakery.deposit("food").deposited == SOUP


def test_while_the_mint_is_away_nothing_is_sold_and_nothing_is_taken(street: Street, bakery: TestClient) -> None:
    header = pays(street)
    street.connect(connected=False)
    answer = bakery.get("/soup/1", headers=header)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert street.bakery.stored("food") == 0
    street.connect(connected=True)
    assert bakery.get("/soup/1", headers=header).status_code == 200


WRONG = (
    "nothing",
    "too little",
    "too much",
    "another shop",
    "not locked",
    "short",
    "another unit",
    "another mint",
    "false",
    "no proof",
)


@pytest.mark.parametrize("fault", WRONG)
def test_a_code_that_does_not_pay_the_price_is_refused_and_not_taken(
    street: Street, bakery: TestClient, fault: str
) -> None:
    good, shop = street.locked(SOUP, street.bakery), street.bakery
    forged = msgspec.structs.replace(good, secret=write_lock("aa" * 16, shop.lock_key, locktime=2**33, refund=PAYER))
    now = int(NOON.timestamp())
    token = {
        "too little": lambda: code(street.locked(SOUP // 2, shop)),
        "too much": lambda: code(street.locked(SOUP * 2, shop)),
        "another shop": lambda: code(street.locked(SOUP, street.grocer)),
        "not locked": lambda: code(street.food.coin(SOUP)),
        "short": lambda: code(street.locked(SOUP, shop, until=now + SHORTEST_LOCK_SECONDS - 60)),
        "another unit": lambda: code(street.locked(SOUP, shop, coiner=street.rent), unit="rent"),
        "another mint": lambda: msgspec.structs.replace(code(good), mint="http://elsewhere"),
        "false": lambda: code(forged),
        "no proof": lambda: code(msgspec.structs.replace(good, dleq=None)),
    }.get(fault)
    header = {HEADER: "cashuB!" if token is None else write_token(token())}
    answer = bakery.get("/soup/1", headers=header)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"code", "what", "why", "todo"}
    assert shop.stored("food") == shop.stored("rent") == 0
    assert bakery.get("/soup/1", headers=pays(street)).status_code == 200
