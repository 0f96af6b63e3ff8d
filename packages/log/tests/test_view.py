"""What the log says: only a kind's owner says it, a service's first key counts for good, nothing out of order."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo_common.bridge import (
    AidApproved,
    AppPublished,
    DecisionsMade,
    ExportMade,
    FactDefined,
    KeyAnnounced,
    KeysetAnnounced,
    LogEntry,
    LogMessage,
    MintFigures,
    RulePublished,
    SettlementFigures,
    SignedMessage,
    StaffTrail,
    sign_for_log,
)
from amparo_common.ids import KeysetId
from amparo_common.money import Unit
from amparo_common.signing import PublicJwk, SigningKey
from amparo_log.errors import BadEntry
from amparo_log.view import OWNERS, SERVICES, Logged, LogView

FOOD, RENT = Unit("food"), Unit("rent")
KEYS = {service: SigningKey.generate() for service in ("office", "mint", "shops")}
STRANGER = SigningKey.generate()
AT = "2026-11-01T12:00:00Z"


def rule(version: str = "1", rule_hash: str = "0" * 64) -> RulePublished:
    return RulePublished(programme="food", version=version, rule_hash=rule_hash, notice_days=7, file="x")


def approval(total: int, unit: Unit = FOOD) -> AidApproved:
    return AidApproved(programme="p", cycle="2026-11", root="0" * 64, total=total, unit=unit, approvals=2)


KEYSET = KeysetAnnounced(keyset=KeysetId("01" + "0" * 64), unit=FOOD, keys={"1": "02" + "0" * 64})
DECISIONS = DecisionsMade(
    programme="p",
    cycle="2026-11",
    rule_hash="0" * 64,
    as_of="2026-11-01",
    root="0" * 64,
    households=3,
    eligible=2,
    total=8,
    unit=FOOD,
)
MINT_FIGURES = MintFigures(
    period="2026-11", keyset=KEYSET.keyset, unit=FOOD, issued=8, moved=0, redeemed=3, outstanding=5, expired=0
)
SETTLEMENT = SettlementFigures(period="2026-11", unit=FOOD, shops=1, deposited=3, settled=2, payable=1)
CARDS, RECEIPTS = (
    KeyAnnounced(purpose="cards", ed25519="0" * 64),
    KeyAnnounced(purpose="receipts", jwk=STRANGER.public.jwk),
)

# Every kind of message but the services' own keys, and who owns it.
OWNED: list[tuple[LogMessage, str]] = [
    (rule(), "office"),
    (DECISIONS, "office"),
    (approval(8), "office"),
    (FactDefined(entity="household", name="roof_type", definition="{}", approvals=2), "office"),
    (
        ExportMade(reference="1" * 32, programme="food", count=300, identity=True, reason="payment", approvals=2),
        "office",
    ),
    (StaffTrail(entries=7, head="3" * 64), "office"),
    (AppPublished(app="till", release="0123456789abcdef", hash="4" * 64), "office"),
    (CARDS, "office"),
    (RECEIPTS, "office"),
    (KEYSET, "mint"),
    (MINT_FIGURES, "mint"),
    (SETTLEMENT, "shops"),
]


def entry(body: LogMessage, key: SigningKey, at: str = AT) -> LogEntry:
    return LogEntry(at=at, entry=sign_for_log(body, key))


def announced(service: str, key: SigningKey | None = None) -> LogEntry:
    """A service's own key, signed with that key."""
    signer = key or KEYS[service]
    return entry(KeyAnnounced(purpose=service, jwk=signer.public.jwk), signer)


def view_of(entries: Iterable[tuple[int, LogEntry]]) -> LogView:
    """A view of all these entries."""
    view = LogView()
    for index, each in entries:
        view.add(index, each)
    return view


def town() -> LogView:
    """A log in which the three services have announced their keys."""
    return view_of(enumerate(announced(service) for service in SERVICES))


def kind(body: Any) -> str:
    return str(getattr(body, "purpose", None) or type(body).__struct_config__.tag)


@pytest.mark.parametrize(("body", "owner"), OWNED, ids=lambda value: value if isinstance(value, str) else kind(value))
def test_each_kind_is_accepted_from_its_owner_and_refused_from_everybody_else(body: LogMessage, owner: str) -> None:
    view = town()
    strangers = [key for service, key in KEYS.items() if service != owner]
    for key in [*strangers, STRANGER]:
        with pytest.raises(BadEntry):
            view.add(view.size, entry(body, key))
    assert (view.size, len(view.keys)) == (3, 3)
    view.add(3, entry(body, KEYS[owner]))
    assert view.size == 4


def test_every_kind_of_the_bridge_has_an_owner() -> None:
    kinds = {str(type(body).__struct_config__.tag) for body, _ in OWNED}
    assert kinds == set(OWNERS)
    assert kinds == {str(message.__struct_config__.tag) for message in LogMessage.__args__}


@pytest.mark.parametrize(("body", "owner"), OWNED, ids=lambda value: value if isinstance(value, str) else kind(value))
def test_a_service_says_nothing_before_it_has_announced_its_key(body: LogMessage, owner: str) -> None:
    view = view_of(enumerate(announced(service) for service in SERVICES if service != owner))
    with pytest.raises(BadEntry):
        view.add(view.size, entry(body, KEYS[owner]))


def test_what_was_logged_is_found_again_with_its_place_and_time() -> None:
    view = town()
    for body, owner in OWNED:
        view.add(view.size, entry(body, KEYS[owner], at=f"2026-11-{view.size:02d}T12:00:00Z"))
    assert view.rules == [(Logged(3, "2026-11-03T12:00:00Z"), rule())]
    assert [body for _, body in view.decisions] == [DECISIONS]
    assert view.approvals == [(Logged(5, "2026-11-05T12:00:00Z"), approval(8))]
    assert (view.key("cards"), view.key("receipts"), view.key("spare")) == (CARDS, RECEIPTS, None)
    assert (view.keyset(KEYSET.keyset), view.keyset("01")) == (KEYSET, None)
    assert [body for _, body in view.mint_figures] == [MINT_FIGURES]
    assert [body for _, body in view.settlements] == [SETTLEMENT]
    for service, key in KEYS.items():
        publisher = view.publisher(service)
        assert publisher is not None
        assert publisher.kid == key.kid
    assert view.publisher("cards") is None


def test_how_many_keysets_began_in_a_month_is_counted_by_when_they_sign() -> None:
    """Announced ahead for one day, they count on that day; those of another unit or another month do not."""
    view, december = town(), int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    planned: list[tuple[str, dict[str, object]]] = [
        ("2026-11-02T00:00:00Z", {"active_from": december + second}) for second in range(4)
    ]
    announced_at: list[tuple[str, dict[str, object]]] = [
        ("2026-11-01T13:00:00Z", {}),
        *planned,
        ("2026-11-03T00:00:00Z", {"active_from": 1}),  # it cannot begin before it was announced
        ("2026-11-03T00:00:00Z", {"unit": RENT}),
        ("2026-11-04T00:00:00Z", {}),
    ]
    for at, changes in announced_at:
        view.add(view.size, entry(msgspec.structs.replace(KEYSET, **changes), KEYS["mint"], at=at))
    assert [view.keysets_begun(FOOD, december + second) for second in (-1, 0, 1, 3, 2 * 86_400)] == [3, 4, 5, 7, 6]
    # A device whose clock is behind counts by the log's newest entry.
    assert (view.keysets_begun(FOOD, 0), view.keysets_begun(RENT, 0)) == (3, 1)
    assert view.keysets_begun(FOOD, december + 40 * 86_400) == 0
    assert LogView().keysets_begun(FOOD, december) == 0


# --- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_the_first_key_of_a_service_counts_for_good(service: str) -> None:
    view = town()
    with pytest.raises(BadEntry):
        view.add(view.size, announced(service, STRANGER))
    # The service itself may say it again, or another key; the first one stays.
    view.add(view.size, announced(service))
    view.add(view.size, entry(KeyAnnounced(purpose=service, jwk=STRANGER.public.jwk), KEYS[service]))
    publisher = view.publisher(service)
    assert publisher is not None
    assert publisher.kid == KEYS[service].kid
    assert view.keys[service][0].index == SERVICES.index(service)
    assert view.key(service) == KeyAnnounced(purpose=service, jwk=KEYS[service].public.jwk)
    body, owner = next((body, owner) for body, owner in OWNED if owner == service)
    with pytest.raises(BadEntry):
        view.add(view.size, entry(body, STRANGER))
    view.add(view.size, entry(body, KEYS[owner]))


def test_the_first_key_for_cards_and_receipts_counts_for_good() -> None:
    view = town()
    view.add(3, entry(CARDS, KEYS["office"]))
    view.add(4, entry(KeyAnnounced(purpose="cards", ed25519="f" * 64), KEYS["office"]))
    assert view.key("cards") == CARDS


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_first_key_is_signed_with_that_key_itself(service: str) -> None:
    body = KeyAnnounced(purpose=service, jwk=KEYS[service].public.jwk)
    for false in (
        entry(body, STRANGER),
        LogEntry(at=AT, entry=SignedMessage(body=body, by=KEYS[service].kid, sig=sign_for_log(body, STRANGER).sig)),
        entry(KeyAnnounced(purpose=service), KEYS[service]),
        entry(KeyAnnounced(purpose=service, ed25519="0" * 64), KEYS[service]),
        entry(KeyAnnounced(purpose=service, jwk=PublicJwk(x="AA", y="AA")), KEYS[service]),
        entry(KeyAnnounced(purpose=service, jwk=PublicJwk(x="?", y="?")), KEYS[service]),
    ):
        view = LogView()
        with pytest.raises(BadEntry):
            view.add(0, false)
        assert (view.size, view.keys, view.publisher(service)) == (0, {}, None)


def test_no_service_announces_the_first_key_of_another_with_its_own() -> None:
    view = view_of([(0, announced("mint"))])
    taken = entry(KeyAnnounced(purpose="office", jwk=KEYS["mint"].public.jwk), KEYS["mint"])
    with pytest.raises(BadEntry):
        view.add(1, taken)


def test_a_key_for_a_purpose_that_nobody_owns_is_refused() -> None:
    for service, key in KEYS.items():
        view = town()
        for purpose in ("", "witness", "Office", service + " "):
            with pytest.raises(BadEntry):
                view.add(view.size, entry(KeyAnnounced(purpose=purpose, jwk=key.public.jwk), key))


def test_no_service_announces_the_key_of_another_even_after_both_are_known() -> None:
    for service in SERVICES:
        for other in SERVICES:
            view = town()
            taken = entry(KeyAnnounced(purpose=other, jwk=STRANGER.public.jwk), KEYS[service])
            if service == other:
                view.add(view.size, taken)
            else:
                with pytest.raises(BadEntry):
                    view.add(view.size, taken)


# --- signatures and order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "owner"), OWNED, ids=lambda value: value if isinstance(value, str) else kind(value))
def test_a_false_signature_is_refused_and_changes_nothing(body: LogMessage, owner: str) -> None:
    view, honest = town(), sign_for_log(body, KEYS[owner])
    other = sign_for_log(rule("2"), KEYS[owner]).sig
    forged = sign_for_log(body, STRANGER).sig
    for sig in (other, forged, "", "AA", "?", honest.sig[:-2], honest.sig + "A", honest.sig.swapcase()):
        with pytest.raises(BadEntry):
            view.add(3, LogEntry(at=AT, entry=SignedMessage(body=body, by=honest.by, sig=sig)))
    for by in ("", STRANGER.kid, honest.by + "x"):
        with pytest.raises(BadEntry):
            view.add(3, LogEntry(at=AT, entry=SignedMessage(body=body, by=by, sig=honest.sig)))
    assert view.size == 3
    view.add(3, LogEntry(at=AT, entry=honest))


def test_one_changed_field_breaks_the_signature() -> None:
    honest = sign_for_log(approval(8), KEYS["office"])
    for change in ({"total": 9}, {"unit": RENT}, {"cycle": "2026-12"}, {"approvals": 3}, {"root": "1" * 64}):
        body = msgspec.structs.replace(approval(8), **change)
        view = town()
        with pytest.raises(BadEntry):
            view.add(3, LogEntry(at=AT, entry=SignedMessage(body=body, by=honest.by, sig=honest.sig)))
        assert view.approved(FOOD) == 0


@pytest.mark.parametrize("index", [-1, 0, 2, 4, 100])
def test_an_entry_out_of_order_is_refused(index: int) -> None:
    view = town()
    with pytest.raises(BadEntry):
        view.add(index, entry(rule(), KEYS["office"]))
    assert (view.size, view.rules) == (3, [])
    view.add(3, entry(rule(), KEYS["office"]))


def test_after_a_refused_entry_the_view_says_what_it_said_before() -> None:
    view = town()
    view.add(3, entry(approval(8), KEYS["office"]))
    with pytest.raises(BadEntry):
        view.add(4, entry(approval(100), KEYS["mint"]))
    assert view.approved(FOOD) == 8
    view.add(4, entry(approval(1), KEYS["office"]))
    assert view.approved(FOOD) == 9


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([FOOD, RENT]), st.integers(0, 10**9)), max_size=6))
def test_approvals_add_up_in_their_own_unit(given_: list[tuple[Unit, int]]) -> None:
    view = town()
    for unit, total in given_:
        view.add(view.size, entry(approval(total, unit), KEYS["office"]))
    for unit in (FOOD, RENT):
        assert view.approved(unit) == sum(total for each, total in given_ if each == unit)


def test_the_notice_period_of_a_rule_runs_from_its_first_publication() -> None:
    view = town()
    view.add(3, entry(rule("1", "a" * 64), KEYS["office"], at="2026-11-02T00:00:00Z"))
    view.add(4, entry(rule("2", "b" * 64), KEYS["office"], at="2026-11-03T00:00:00Z"))
    view.add(5, entry(rule("1", "a" * 64), KEYS["office"], at="2026-12-01T00:00:00Z"))
    found = view.rule("a" * 64)
    assert found is not None
    assert (found[0], view.rule("c" * 64)) == (Logged(3, "2026-11-02T00:00:00Z"), None)


def test_before_a_rule_stand_the_definitions_with_a_smaller_index_in_their_order() -> None:
    view = town()
    facts = [FactDefined(entity="household", name=name, definition="{}", approvals=2) for name in ("b", "a", "b")]
    view.add(3, entry(facts[0], KEYS["office"]))
    view.add(4, entry(facts[1], KEYS["office"]))
    view.add(5, entry(rule(), KEYS["office"]))
    view.add(6, entry(facts[2], KEYS["office"]))
    assert view.facts_before(3) == ()
    assert view.facts_before(4) == (facts[0],)
    assert view.facts_before(5) == (facts[0], facts[1])
    assert view.facts_before(view.size) == tuple(facts)


def test_a_definition_that_the_office_did_not_sign_stands_before_no_rule() -> None:
    fact = FactDefined(entity="household", name="roof_type", definition="{}", approvals=2)
    for key in (STRANGER, KEYS["mint"], KEYS["shops"]):
        view = town()
        with pytest.raises(BadEntry):
            view.add(3, entry(fact, key))
        assert view.facts_before(9) == ()


@pytest.mark.parametrize("at", ["2026-10-31T12:00:00Z", "yesterday", "2026-12-01", "2026-12-01T00:00:00+00:00", ""])
def test_an_entry_cannot_be_older_than_the_one_before_it_or_without_a_plain_time(at: str) -> None:
    """Otherwise the log's operator could help the office to a notice period that never was."""
    view = town()
    with pytest.raises(BadEntry):
        view.add(3, entry(rule("1", "a" * 64), KEYS["office"], at=at))
    assert (view.size, view.rules) == (3, [])
