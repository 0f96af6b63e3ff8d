"""The wallet's side: a code enrols once, aid is claimed once and only as approved, and the mint hears of it."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from packages.office.tests.conftest import ISSUER, LOGIN_KEY, Town, WalletKey

from amparo_common import canonical
from amparo_common.codes import as_meant
from amparo_common.errors import AmparoError, BadSignature, MalformedMessage, NotCanonical
from amparo_common.signing import PublicJwk, SigningKey, sign_compact, verify_compact
from amparo_office.claims import WALLET_TYP, Paper
from amparo_office.errors import (
    AlreadyClaimed,
    CycleUnknown,
    EnrolmentCodeUnknown,
    HolderUnknown,
    NotApproved,
    NotAsApproved,
    NotEntitled,
    WalletEnrolled,
)
from amparo_rules.sumtree import leaf
from amparo_service.errors import RemoteError, Unreachable
from amparo_service.login import CLIENT, GOOD_SECONDS, TYP, LoggedIn, LogIn, LogIns


@pytest.fixture
def approved(ready: Town) -> Town:
    """A town whose November payment was decided and approved."""
    ready.decide()
    ready.cycles.approve("food-basket", "2026-11", approver="second")
    return ready


def paid(town: Town) -> dict[str, int]:
    """What the mint was told, by quote."""
    return {quote: message.amount for quote, message in town.mint.paid.items()}


# --- enrolment codes -----------------------------------------------------------------------------------------------------


def test_a_code_enrols_one_wallet_once(ready: Town) -> None:
    (code,) = ready.claims.new_codes(["H0"]).values()
    wallet, other = WalletKey(), WalletKey()
    ready.claims.enrol(wallet.enrol(code))
    with pytest.raises(EnrolmentCodeUnknown):
        ready.claims.enrol(other.enrol(code))
    with pytest.raises(HolderUnknown):
        ready.claims.papers(other.papers())
    ready.claims.enrol(wallet.enrol(code))  # the same wallet asks again after a lost answer
    assert ready.claims.papers(wallet.papers()) == []


def test_a_new_code_replaces_the_unused_old_one(ready: Town) -> None:
    old, new = (ready.claims.new_codes(["H0"])["H0"] for _ in range(2))
    with pytest.raises(EnrolmentCodeUnknown):
        ready.claims.enrol(WalletKey().enrol(old))
    ready.claims.enrol(WalletKey().enrol(new))


def test_codes_are_given_for_known_households_only_and_are_all_different(ready: Town) -> None:
    codes = ready.claims.new_codes(["H0", "H1", "H2", "H9"])
    assert set(codes) == {"H0", "H1", "H2"}
    assert len(set(codes.values())) == 3
    assert all(len(as_meant(code)) == 16 for code in codes.values())


def test_a_code_is_taken_however_it_was_typed(ready: Town) -> None:
    (code,) = ready.claims.new_codes(["H0"]).values()
    wallet = WalletKey()
    ready.claims.enrol(wallet.enrol(f" {code.lower().replace('-', '').replace('0', 'o').replace('1', 'l')} "))
    assert ready.claims.papers(wallet.papers()) == []


def test_the_database_keeps_no_code(ready: Town) -> None:
    code = ready.claims.new_codes(["H0"])["H0"]
    stored = ready.rows("SELECT code_hash FROM enrolment_code")
    assert stored == [(hashlib.sha256(as_meant(code).encode()).digest(),)]


def test_a_wallet_of_one_household_is_not_bound_to_another_and_the_code_stays_good(ready: Town) -> None:
    wallet = ready.enrolled("H0")
    code = ready.claims.new_codes(["H1"])["H1"]
    with pytest.raises(WalletEnrolled):
        ready.claims.enrol(wallet.enrol(code))
    ready.claims.enrol(WalletKey().enrol(code))
    assert len(ready.rows("SELECT household FROM holder")) == 2


def test_a_lost_phone_is_replaced_by_a_new_code_and_the_old_wallet_is_dead(approved: Town) -> None:
    lost = approved.enrolled("H0")
    found = approved.enrolled("H0")
    with pytest.raises(HolderUnknown):
        approved.claims.claim(lost.claim("q1"))
    assert approved.claims.claim(found.claim("q2")) == 5_600


@pytest.mark.parametrize("ref", ["", "H0'--", "h0"])
def test_no_code_for_no_household(ready: Town, ref: str) -> None:
    assert ready.claims.new_codes([ref]) == {}


def stolen(wallet: WalletKey, thief: SigningKey, code: str) -> str:
    """The wallet's enrolment request, signed by somebody else."""
    body = {"action": "enrol", "code": code, "jwk": msgspec.to_builtins(wallet.key.public.jwk)}
    return sign_compact(canonical.encode(body), thief, typ=WALLET_TYP)


def test_enrolling_needs_the_signature_of_the_key_that_is_bound(ready: Town) -> None:
    code = ready.claims.new_codes(["H0"])["H0"]
    with pytest.raises(BadSignature):
        ready.claims.enrol(stolen(WalletKey(), SigningKey.generate(), code))
    ready.claims.enrol(WalletKey().enrol(code))


# --- papers --------------------------------------------------------------------------------------------------------------


def test_a_wallet_is_given_its_own_receipts_with_how_far_the_payment_is(ready: Town) -> None:
    wallet, refused = ready.enrolled("H0"), ready.enrolled("H1")
    assert ready.claims.papers(wallet.papers()) == []
    ready.decide()
    (paper,) = ready.claims.papers(wallet.papers())
    assert (paper.amount, paper.unit, paper.approved, paper.claimed) == (5_600, "usd", False, False)
    ready.cycles.approve("food-basket", "2026-11", approver="second")
    assert [p.approved for p in ready.claims.papers(wallet.papers())] == [True]
    ready.claims.claim(wallet.claim("q1"))
    assert [(p.claimed, p.quote) for p in ready.claims.papers(wallet.papers())] == [(True, "q1")]
    (other,) = ready.claims.papers(refused.papers())
    assert (other.amount, other.claimed) == (0, False)
    assert other.bundle.receipt != paper.bundle.receipt


def test_a_household_that_was_refused_gets_its_receipt_as_well(approved: Town) -> None:
    (paper,) = approved.claims.papers(approved.enrolled("H1").papers())
    assert (paper.amount, paper.bundle.batch.count) == (0, 3)


# --- claims --------------------------------------------------------------------------------------------------------------


def test_aid_is_claimed_once_and_the_same_quote_again_gives_the_same_answer(approved: Town) -> None:
    wallet = approved.enrolled("H0")
    assert [approved.claims.claim(wallet.claim("q1")) for _ in range(3)] == [5_600] * 3
    with pytest.raises(AlreadyClaimed):
        approved.claims.claim(wallet.claim("q2"))
    approved.claims.deliver()
    approved.claims.deliver()
    assert paid(approved) == {"q1": 5_600}
    assert approved.rows("SELECT count(*) FROM outbox") == [(0,)]
    approved.reopen()
    assert approved.claims.claim(wallet.claim("q1")) == 5_600
    approved.claims.deliver()
    assert approved.rows("SELECT count(*) FROM claim") == [(1,)]


def test_each_cycle_is_claimed_for_itself(approved: Town) -> None:
    wallet = approved.enrolled("H0")
    approved.decide("2026-12")
    assert approved.claims.claim(wallet.claim("q1")) == 5_600
    with pytest.raises(NotApproved):
        approved.claims.claim(wallet.claim("q2", cycle="2026-12"))
    approved.cycles.approve("food-basket", "2026-12", approver="second")
    assert approved.claims.claim(wallet.claim("q2", cycle="2026-12")) == 5_600


def test_another_wallet_cannot_claim_or_read_in_a_households_place(approved: Town) -> None:
    approved.enrolled("H0")
    stranger = WalletKey()
    for ask in (stranger.claim("q1"), stranger.papers()):
        with pytest.raises(HolderUnknown):
            approved.claims.claim(ask)
    assert approved.rows("SELECT count(*) FROM claim") == [(0,)]


def test_a_claim_signed_by_somebody_else_in_a_wallets_name_is_refused(approved: Town) -> None:
    wallet = approved.enrolled("H0")
    thief = SigningKey.generate()
    head = wallet.claim("q1").split(".")[0]
    forged = WalletKey()
    forged.key = thief
    _, payload, signature = forged.claim("q1").split(".")
    with pytest.raises(BadSignature):
        approved.claims.claim(f"{head}.{payload}.{signature}")


def test_a_refused_household_an_unknown_cycle_and_an_unapproved_one_give_nothing(ready: Town) -> None:
    wallet, refused = ready.enrolled("H0"), ready.enrolled("H1")
    with pytest.raises(CycleUnknown):
        ready.claims.claim(wallet.claim("q1"))
    ready.decide()
    with pytest.raises(NotApproved):
        ready.claims.claim(wallet.claim("q1"))
    ready.cycles.approve("food-basket", "2026-11", approver="second")
    with pytest.raises(NotEntitled):
        ready.claims.claim(refused.claim("q1"))
    assert ready.rows("SELECT count(*) FROM outbox") == [(0,)]


def test_one_quote_is_never_paid_for_two_households(approved: Town) -> None:
    first, second = approved.enrolled("H0"), approved.enrolled("H2")
    approved.claims.claim(first.claim("q1"))
    with pytest.raises(AlreadyClaimed):
        approved.claims.claim(second.claim("q1"))
    assert approved.claims.claim(second.claim("q2")) == 3_800


def tampered(amount: int, *, with_leaf: bool) -> Callable[[Town], None]:
    """A change of a stored amount, with or without the leaf that goes with it."""

    def change(town: Town) -> None:
        ((token,),) = town.rows("SELECT receipt FROM decision WHERE household = 1")
        town.change("UPDATE decision SET amount = ? WHERE household = 1", amount)
        if with_leaf:
            town.change("UPDATE decision SET leaf = ? WHERE household = 1", leaf(token.encode(), amount))

    return change


@pytest.mark.parametrize("with_leaf", [False, True])
@pytest.mark.parametrize("seen_before", [False, True])
def test_an_amount_that_was_raised_after_the_approval_is_not_paid(
    approved: Town, *, with_leaf: bool, seen_before: bool
) -> None:
    wallet = approved.enrolled("H0")
    if seen_before:
        approved.claims.papers(wallet.papers())
    tampered(9_999, with_leaf=with_leaf)(approved)
    with pytest.raises(NotAsApproved):
        approved.claims.claim(wallet.claim("q1"))
    assert approved.rows("SELECT count(*) FROM outbox") == [(0,)]


def test_decisions_exchanged_between_households_are_not_paid(approved: Town) -> None:
    wallet = approved.enrolled("H1")
    approved.change("DELETE FROM decision WHERE household = 2")
    approved.change("UPDATE decision SET household = 2, place = 1 WHERE household = 1")
    with pytest.raises(NotAsApproved):
        approved.claims.claim(wallet.claim("q1"))


# --- telling the mint ----------------------------------------------------------------------------------------------------


def test_a_claim_while_the_mint_is_away_is_told_later_and_survives_a_restart(approved: Town) -> None:
    wallet = approved.enrolled("H0")
    approved.mint.away = True
    assert approved.claims.claim(wallet.claim("q1")) == 5_600
    with pytest.raises(Unreachable):
        approved.claims.deliver()
    approved.reopen()
    approved.mint.away = False
    approved.claims.deliver()
    assert paid(approved) == {"q1": 5_600}


@pytest.mark.parametrize("kind", ["unknown", "other"])
def test_a_quote_that_the_mint_cannot_pay_gives_the_claim_back_and_stops_nobody(approved: Town, kind: str) -> None:
    careless, other = approved.enrolled("H0"), approved.enrolled("H2")
    getattr(approved.mint, kind).add("bad")
    approved.claims.claim(careless.claim("bad"))
    approved.claims.claim(other.claim("q2"))
    approved.claims.deliver()
    assert paid(approved) == {"q2": 3_800}
    (paper,) = approved.claims.papers(careless.papers())
    assert not paper.claimed
    assert approved.claims.claim(careless.claim("q1")) == 5_600
    approved.claims.deliver()
    assert paid(approved) == {"q1": 5_600, "q2": 3_800}


def test_any_other_refusal_of_the_mint_keeps_the_claim_and_the_message(approved: Town) -> None:
    wallet = approved.enrolled("H0")
    approved.mint.refuses = 10_000
    approved.claims.claim(wallet.claim("q1"))
    with pytest.raises(RemoteError):
        approved.claims.deliver()
    with pytest.raises(AlreadyClaimed):
        approved.claims.claim(wallet.claim("q2"))
    approved.mint.refuses = None
    approved.claims.deliver()
    assert paid(approved) == {"q1": 5_600}


def test_the_message_to_the_mint_names_a_quote_an_amount_and_nobody(approved: Town) -> None:
    approved.claims.claim(approved.enrolled("H0").claim("q1"))
    approved.claims.deliver()
    (message,) = approved.mint.paid.values()
    assert msgspec.structs.asdict(message) == {"quote": "q1", "amount": 5_600, "unit": "usd"}


# --- requests that are no requests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["enrol", "papers", "claim"])
@pytest.mark.parametrize("body", [b"", b"x", b"a.b.c", b"\xff\xfe", b"e30.e30.e30", "ñ.ñ.ñ".encode()])
def test_what_is_no_signed_request_is_refused_in_words(town: Town, path: str, body: bytes) -> None:
    response = town.http.post(f"/wallet/{path}", content=body)
    assert response.status_code in (400, 403)
    assert set(response.json()) == {"code", "what", "why", "todo"}
    assert response.json()["code"] != "service.unexpected"


@pytest.mark.parametrize(
    "content",
    [
        {"action": "claim", "programme": "food-basket", "cycle": "2026-11"},
        {"action": "claim", "programme": "food-basket", "cycle": "2026-11", "quote": ""},
        {"action": "claim", "programme": "food-basket", "cycle": "2026-11", "quote": "q" * 101},
        {"action": "claim", "programme": "food-basket", "cycle": "2026-11", "quote": "q", "amount": 1},
        {"action": "claim", "programme": 1, "cycle": "2026-11", "quote": "q"},
        {"action": "papers", "nonce": "0"},
    ],
    ids=lambda content: " ".join(content),
)
def test_a_signed_request_of_another_shape_claims_nothing(approved: Town, content: dict[str, Any]) -> None:
    wallet = approved.enrolled("H0")
    token = sign_compact(canonical.encode(content), wallet.key, typ=WALLET_TYP)
    with pytest.raises(MalformedMessage):
        approved.claims.claim(token)
    assert approved.rows("SELECT count(*) FROM claim") == [(0,)]


def test_a_request_signed_for_another_purpose_or_not_canonical_is_refused(approved: Town) -> None:
    wallet = approved.enrolled("H0")
    body = {"action": "claim", "programme": "food-basket", "cycle": "2026-11", "quote": "q"}
    with pytest.raises(BadSignature):
        approved.claims.claim(sign_compact(canonical.encode(body), wallet.key, typ="amparo-receipt+jws"))
    with pytest.raises(NotCanonical):
        approved.claims.claim(sign_compact(b" " + canonical.encode(body), wallet.key, typ=WALLET_TYP))


def test_an_enrolment_with_a_key_that_is_none_is_refused(ready: Town) -> None:
    code = ready.claims.new_codes(["H0"])["H0"]
    jwk = msgspec.to_builtins(PublicJwk(x="AA", y="AA"))
    with pytest.raises(AmparoError) as found:
        ready.claims.enrol(WalletKey().token("enrol", code=code, jwk=jwk))
    assert found.value.code == "common.bad_key"


def test_through_http_a_household_enrols_reads_and_claims(approved: Town) -> None:
    codes = approved.ask("registrar", "POST", "/enrolment-codes", {"refs": ["H0"]}).json()
    wallet = WalletKey()
    assert approved.http.post("/wallet/enrol", content=wallet.enrol(codes["H0"])).json() == {"enrolled": True}
    answer = approved.http.post("/wallet/papers", content=wallet.papers()).content
    (paper,) = msgspec.json.decode(answer, type=list[Paper])
    assert (paper.amount, paper.approved) == (5_600, True)
    assert approved.http.post("/wallet/claim", content=wallet.claim("q1")).json() == {"amount": 5_600}
    assert paid(approved) == {"q1": 5_600}  # told at once, not by the next round of deliveries
    approved.mint.away = True
    other = approved.enrolled("H2")
    assert approved.http.post("/wallet/claim", content=other.claim("q2")).json() == {"amount": 3_800}
    assert paid(approved) == {"q1": 5_600}


def test_a_wallet_is_logged_in_at_the_mint_without_being_named(approved: Town) -> None:
    wallet, other = approved.enrolled("H0"), approved.enrolled("H2")

    def said(who: WalletKey) -> LogIn:
        answer = approved.http.post("/wallet/login", content=who.token("login", nonce="0"))
        token = msgspec.json.decode(answer.content, type=LoggedIn).login
        return canonical.decode(verify_compact(token, LOGIN_KEY.public, typ=TYP), LogIn)

    logins = [said(wallet), said(wallet), said(other)]
    assert len({each.sub for each in logins}) == 3
    assert {(each.iss, each.azp, each.exp - each.iat) for each in logins} == {(ISSUER, CLIENT, GOOD_SECONDS)}
    for _ in range(18):
        said(wallet)
    refused = approved.http.post("/wallet/login", content=wallet.token("login", nonce="0"))
    assert (refused.status_code, refused.json()["code"]) == (429, "service.too_often")
    assert said(other)
    approved.clock.set(approved.clock.now() + timedelta(days=1))
    assert said(wallet)


def test_nobody_is_logged_in_for_a_stranger_or_where_the_mint_wants_none(approved: Town) -> None:
    wallet = approved.enrolled("H0")
    stranger = approved.http.post("/wallet/login", content=WalletKey().token("login", nonce="0"))
    assert stranger.json()["code"] == "office.unknown_holder"
    papers = approved.http.post("/wallet/login", content=wallet.papers())
    assert papers.status_code == 400
    approved.claims._logins = LogIns(LOGIN_KEY, issuer=None, clock=approved.clock)
    nowhere = approved.http.post("/wallet/login", content=wallet.token("login", nonce="0"))
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "service.not_found")
