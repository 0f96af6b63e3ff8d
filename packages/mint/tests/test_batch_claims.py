"""NUT-29: several quotes claimed in one request, all or none, and the state of several quotes at once."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packages.mint.tests.conftest import RENT, Blank, Town, Wallet, refused

CASES = Path(__file__).parents[3] / "vectors" / "cashu" / "nut29_mint_cases.json"
BATCH, CHECK = "/v1/mint/benefit/batch", "/v1/mint/quote/benefit/check"


def paid(town: Town, wallet: Wallet, *amounts: int) -> list[str]:
    """Paid quotes of these amounts."""
    quotes = [wallet.quote(amount) for amount in amounts]
    for quote, amount in zip(quotes, amounts, strict=True):
        town.pay(quote, amount)
    return quotes


def claim(owners: Sequence[Wallet], quotes: Sequence[str], blanks: Sequence[Blank]) -> dict[str, Any]:
    """A batch, each quote signed by its owner."""
    outputs = [blank.output for blank in blanks]
    signatures = [owner.sign(quote, outputs) for owner, quote in zip(owners, quotes, strict=True)]
    return {"quotes": list(quotes), "outputs": msgspec.to_builtins(outputs), "signatures": signatures}


def test_several_quotes_are_claimed_at_once_and_the_same_request_again_gets_the_same_signatures(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    quotes = paid(town, wallet, 100, 50)
    blanks = wallet.split(keyset, 150)
    body = claim([wallet, wallet], quotes, blanks)
    first = town.http.post(BATCH, json=body)
    assert sum(proof.amount for proof in wallet.finish(first.content, blanks)) == 150
    town.reopen()
    assert town.http.post(BATCH, json=body).content == first.content
    shown = town.http.post(CHECK, json={"quotes": quotes[::-1]}).json()
    assert [(each["quote"], each["amount_issued"]) for each in shown] == [(quotes[1], 50), (quotes[0], 100)]
    assert town.figures() == {keyset: (150, 0, 0, 150)}


def test_the_amounts_may_be_said_and_must_then_be_the_quotes(town: Town, wallet: Wallet, keyset: str) -> None:
    quotes = paid(town, wallet, 100, 50)
    body = claim([wallet, wallet], quotes, wallet.split(keyset, 150))
    for amounts in ([50, 100], [150], [149, 1], [150, 0], [-50, 200], [2**70, 1], []):
        answer = town.http.post(BATCH, json=body | {"quote_amounts": amounts})
        assert answer.status_code == 400, amounts
        assert answer.json()["code"] in {11005, 10000}
    assert town.figures() == {keyset: (0, 0, 0, 0)}
    assert town.http.post(BATCH, json=body | {"quote_amounts": [100, 50]}).status_code == 200


@pytest.mark.parametrize("fault", ["unpaid", "issued", "unknown", "foreign"])
def test_one_bad_quote_stops_the_whole_batch(town: Town, wallet: Wallet, keyset: str, fault: str) -> None:
    (good,) = paid(town, wallet, 100)
    thief = Wallet(town)
    owners = [wallet, wallet]
    if fault == "unpaid":
        bad, number, code = wallet.quote(50), 20001, "token.quote_not_paid"
    elif fault == "issued":
        (bad,) = paid(town, wallet, 50)
        claimed = town.http.post("/v1/mint/benefit", content=wallet.claim_body(bad, wallet.split(keyset, 50)))
        assert claimed.status_code == 200
        number, code = 20002, "token.quote_already_issued"
    elif fault == "unknown":
        bad, number, code = "0" * 32, 10000, "token.quote_unknown"
    else:
        (bad,) = paid(town, wallet, 50)
        owners, number, code = [wallet, thief], 20008, "token.quote_signature_false"
    before = town.figures()
    refused(town.http.post(BATCH, json=claim(owners, [good, bad], wallet.split(keyset, 150))), number, code)
    assert town.figures() == before
    assert town.http.get(f"/v1/mint/quote/benefit/{good}").json()["amount_issued"] == 0
    alone = wallet.claim_body(good, wallet.split(keyset, 100))
    assert town.http.post("/v1/mint/benefit", content=alone).status_code == 200


def test_a_batch_names_each_quote_once_and_at_least_one(town: Town, wallet: Wallet, keyset: str) -> None:
    (quote,) = paid(town, wallet, 50)
    twice = claim([wallet, wallet], [quote, quote], wallet.split(keyset, 100))
    refused(town.http.post(BATCH, json=twice), 11016, "token.duplicate_quotes")
    none = claim([], [], wallet.split(keyset, 8))
    refused(town.http.post(BATCH, json=none), 10000, "token.malformed")
    many = [f"{number:032x}" for number in range(101)]
    refused(
        town.http.post(BATCH, json=claim([wallet] * 101, many, wallet.split(keyset, 101))),
        11017,
        "token.too_many_quotes",
    )
    assert town.figures() == {keyset: (0, 0, 0, 0)}


def test_a_batch_has_one_signature_for_each_quote_over_all_outputs(town: Town, wallet: Wallet, keyset: str) -> None:
    quotes = paid(town, wallet, 100, 50)
    blanks = wallet.split(keyset, 150)
    body = claim([wallet, wallet], quotes, blanks)
    first, second = body["signatures"]
    others = claim([wallet, wallet], quotes, wallet.split(keyset, 150))["signatures"]
    for signatures in ([first], [second, first], [first, None], None, [], [first, second, first], others):
        answer = town.http.post(BATCH, json=body | {"signatures": signatures})
        refused(answer, 20008, "token.quote_signature_false")
    assert town.figures() == {keyset: (0, 0, 0, 0)}
    assert town.http.post(BATCH, json=body).status_code == 200


def test_quotes_of_two_units_are_not_claimed_together(town: Town, wallet: Wallet, keyset: str) -> None:
    rent = town.new_keyset("2026-11", unit=RENT)
    food, other = wallet.quote(50), wallet.quote(50, unit=RENT)
    town.pay(food, 50)
    town.pay(other, 50, unit=RENT)
    for into in (keyset, rent):
        answer = town.http.post(BATCH, json=claim([wallet, wallet], [food, other], wallet.split(into, 100)))
        refused(answer, 11010, "token.units_differ")


def test_a_quote_claimed_alone_and_in_a_batch_gives_its_tokens_once(town: Town, wallet: Wallet, keyset: str) -> None:
    quotes = paid(town, wallet, 100, 50)
    alone = wallet.claim_body(quotes[0], wallet.split(keyset, 100))
    assert town.http.post("/v1/mint/benefit", content=alone).status_code == 200
    body = claim([wallet, wallet], quotes, wallet.split(keyset, 150))
    refused(town.http.post(BATCH, json=body), 20002, "token.quote_already_issued")
    assert town.figures() == {keyset: (100, 0, 0, 100)}


def test_one_unknown_quote_stops_the_whole_question(town: Town, wallet: Wallet) -> None:
    known = wallet.quote(8)
    refused(town.http.post(CHECK, json={"quotes": [known, "0" * 32]}), 10000, "token.quote_unknown")
    refused(town.http.post(CHECK, json={"quotes": []}), 10000, "token.malformed")
    refused(town.http.post(CHECK, json={"quotes": [known] * 101}), 11017, "token.too_many_quotes")
    refused(town.http.post(CHECK, json={"quotes": [known] * 2}), 11016, "token.duplicate_quotes")


@pytest.mark.parametrize("case", json.loads(CASES.read_text())["vectors"], ids=lambda case: case["name"])
def test_the_published_cases_about_quotes_are_refused_and_change_nothing(
    town: Town, wallet: Wallet, keyset: str, case: dict[str, Any]
) -> None:
    asked = case["check_request" if "check_request" in case else "mint_request"]
    amounts = asked.get("quote_amounts", [8] * len(asked["quotes"]))
    ours: dict[str, str] = {}
    for name, amount in zip(asked["quotes"], amounts, strict=True):
        if name in case["known"]:
            (ours[name],) = paid(town, wallet, amount)
        elif name in case["of_another_method"]:
            ours[name] = wallet.deposit_quote(amount)
    assert ours.keys() == {*case["known"], *case["of_another_method"]}
    named = [ours.get(name, name) for name in asked["quotes"]]
    if "check_request" in case:
        refused(town.http.post(CHECK, json={"quotes": named}), 10000, "token.quote_unknown")
    else:
        body = claim([wallet] * len(named), named, wallet.split(keyset, sum(amounts)))
        said = {"quote_amounts": amounts} if "quote_amounts" in asked else {}
        refused(town.http.post(BATCH, json=body | said), 10000, "token.quote_unknown")
    assert town.figures() == {keyset: (0, 0, 0, 0)}
    for name in case["known"]:
        good = ours[name]
        amount = dict(zip(asked["quotes"], amounts, strict=True))[name]
        assert town.http.get(f"/v1/mint/quote/benefit/{good}").json()["amount_issued"] == 0
        alone = wallet.claim_body(good, wallet.split(keyset, amount))
        assert town.http.post("/v1/mint/benefit", content=alone).status_code == 200
