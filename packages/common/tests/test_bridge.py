"""The bridge messages: sealed for one purpose, opened as exactly that, nothing unknown let through."""

import json
from typing import Any

import msgspec
import pytest

from amparo_common import canonical
from amparo_common.bridge import (
    Accreditation,
    AidApproved,
    AppPublished,
    AskAccreditation,
    BridgeMessage,
    DecisionsMade,
    ExportMade,
    FactDefined,
    KeyAnnounced,
    KeysetAnnounced,
    LogEntry,
    LogMessage,
    MintFigures,
    QuotePaid,
    RulePublished,
    SettlementFigures,
    ShopDeposited,
    SignedMessage,
    StaffTrail,
    check_log_signature,
    open_sealed,
    seal,
    sign_for_log,
)
from amparo_common.errors import BadSignature, MalformedMessage, NotCanonical
from amparo_common.ids import DepositId, KeysetId, QuoteId, ShopId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey, b64url, sign_compact

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
USD = Unit("usd")
KEYSET = KeysetId("01" + "ab" * 32)

BETWEEN_SERVICES: list[BridgeMessage] = [
    QuotePaid(quote=QuoteId("q1"), amount=1050, unit=USD),
    ShopDeposited(deposit=DepositId("d1"), shop=ShopId("s1"), amount=1050, unit=USD),
    AskAccreditation(shop=ShopId("s1"), unit=USD),
    Accreditation(shop=ShopId("s1"), unit=USD, accredited=True),
]
FOR_THE_LOG: list[LogMessage] = [
    KeyAnnounced(purpose="receipts", jwk=KEY.public.jwk),
    RulePublished(
        programme="food", version="2026.1", rule_hash="0" * 64, notice_days=7, file="programme: food\n# ñ سلة 😀"
    ),
    KeysetAnnounced(
        keyset=KEYSET, unit=USD, keys={"1": "02" + "11" * 32, "2": "03" + "22" * 32}, final_expiry=1_800_000_000
    ),
    DecisionsMade(
        programme="food",
        cycle="2026-11",
        rule_hash="0" * 64,
        as_of="2026-11-01",
        root="1" * 64,
        households=50,
        eligible=40,
        total=200_000,
        unit=USD,
    ),
    AidApproved(programme="food", cycle="2026-11", root="1" * 64, total=200_000, unit=USD, approvals=2),
    MintFigures(period="2026-11", keyset=KEYSET, unit=USD, issued=10, moved=1, redeemed=5, outstanding=3, expired=2),
    FactDefined(entity="household", name="roof_type", definition="{}", approvals=2),
    ExportMade(reference="1" * 32, programme="food", count=300, identity=True, reason="payment", approvals=2),
    StaffTrail(entries=412, head="2" * 64),
    AppPublished(app="wallet", release="0123456789abcdef", hash="4" * 64),
    SettlementFigures(period="2026-11", unit=USD, shops=3, deposited=10, settled=6, payable=4),
]
MESSAGES: list[BridgeMessage] = [*BETWEEN_SERVICES, *FOR_THE_LOG]


def kind(message: BridgeMessage) -> str:
    return str(message.__struct_config__.tag)


def sealed_as(content: dict[str, Any], tag: str) -> str:
    """Any content under the purpose of the kind `tag`, well signed."""
    return sign_compact(canonical.encode(content), KEY, typ=f"amparo-{tag}+jws")


def plain(message: BridgeMessage) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(message)
    return found


def test_every_kind_of_bridge_message_is_tried_here() -> None:
    assert {type(message) for message in MESSAGES} == set(BridgeMessage.__subclasses__())
    assert len({kind(message) for message in MESSAGES}) == len(MESSAGES)


@pytest.mark.parametrize("message", MESSAGES, ids=kind)
def test_a_sealed_message_opens_as_it_was(message: BridgeMessage) -> None:
    assert open_sealed(seal(message, KEY), KEY.public, type(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=kind)
def test_a_message_of_one_kind_cannot_be_opened_as_another(message: BridgeMessage) -> None:
    for other in MESSAGES:
        if type(other) is not type(message):
            with pytest.raises(BadSignature):
                open_sealed(seal(message, KEY), KEY.public, type(other))


def test_a_paid_quote_cannot_be_opened_as_a_deposit_even_when_the_purpose_is_forged() -> None:
    paid, deposited, *_ = BETWEEN_SERVICES
    with pytest.raises(BadSignature):
        open_sealed(seal(paid, KEY), KEY.public, ShopDeposited)
    with pytest.raises(MalformedMessage):
        open_sealed(sealed_as(plain(paid), "shop-deposited"), KEY.public, ShopDeposited)
    with pytest.raises(MalformedMessage):
        open_sealed(sealed_as(plain(deposited) | {"kind": "quote-paid"}, "shop-deposited"), KEY.public, ShopDeposited)


@pytest.mark.parametrize("message", MESSAGES, ids=kind)
def test_a_message_under_another_key_is_refused(message: BridgeMessage) -> None:
    with pytest.raises(BadSignature):
        open_sealed(seal(message, OTHER), KEY.public, type(message))


@pytest.mark.parametrize("message", MESSAGES, ids=kind)
@pytest.mark.parametrize("extra", ["household", "person", "phone", "token", "v"])
def test_an_unknown_field_is_refused_in_every_message(message: BridgeMessage, extra: str) -> None:
    assert open_sealed(sealed_as(plain(message), kind(message)), KEY.public, type(message)) == message
    with pytest.raises(MalformedMessage):
        open_sealed(sealed_as(plain(message) | {extra: "x"}, kind(message)), KEY.public, type(message))


def test_an_unknown_field_is_refused_inside_a_key_too() -> None:
    content = plain(FOR_THE_LOG[0])
    content["jwk"] |= {"d": "AA"}
    with pytest.raises(MalformedMessage):
        open_sealed(sealed_as(content, "key-announced"), KEY.public, KeyAnnounced)


@pytest.mark.parametrize("message", MESSAGES, ids=kind)
def test_a_missing_or_wrongly_typed_field_is_refused_in_every_message(message: BridgeMessage) -> None:
    content = plain(message)
    required = [
        name for name in message.__struct_fields__ if name not in {"jwk", "ed25519", "final_expiry", "active_from"}
    ]
    assert required
    for name in required:
        without = {other: value for other, value in content.items() if other != name}
        for wrong in (without, content | {name: {"x": None}}, content | {name: [None]}):
            with pytest.raises(MalformedMessage):
                open_sealed(sealed_as(wrong, kind(message)), KEY.public, type(message))


def test_an_amount_written_as_a_decimal_or_in_another_order_is_refused() -> None:
    for text in (
        b'{"amount":1050.0,"kind":"quote-paid","quote":"q1","unit":"usd"}',
        b'{"kind":"quote-paid","amount":1050,"quote":"q1","unit":"usd"}',
        b'{"amount":1050,"kind":"quote-paid","quote":"q1","unit":"usd"} ',
    ):
        with pytest.raises(NotCanonical):
            open_sealed(sign_compact(text, KEY, typ="amparo-quote-paid+jws"), KEY.public, QuotePaid)


@pytest.mark.parametrize("message", FOR_THE_LOG, ids=kind)
def test_a_log_message_signed_by_its_publisher_is_accepted(message: LogMessage) -> None:
    signed = sign_for_log(message, KEY)
    assert signed.by == KEY.kid
    check_log_signature(signed, KEY.public)
    again = canonical.decode(canonical.encode(signed), SignedMessage)
    assert again == signed
    check_log_signature(again, KEY.public)


@pytest.mark.parametrize("message", FOR_THE_LOG, ids=kind)
def test_a_log_message_of_somebody_else_is_refused(message: LogMessage) -> None:
    for forged in (
        sign_for_log(message, OTHER),
        msgspec.structs.replace(sign_for_log(message, OTHER), by=KEY.kid),
    ):
        with pytest.raises(BadSignature):
            check_log_signature(forged, KEY.public)


def test_a_log_message_that_names_another_publisher_than_its_signer_is_refused() -> None:
    with pytest.raises(BadSignature):
        check_log_signature(msgspec.structs.replace(sign_for_log(FOR_THE_LOG[0], KEY), by=OTHER.kid), KEY.public)


@pytest.mark.parametrize("place", range(len(FOR_THE_LOG)))
def test_a_log_signature_is_not_valid_for_another_body(place: int) -> None:
    signed = sign_for_log(FOR_THE_LOG[place], KEY)
    for other in FOR_THE_LOG:
        if other != signed.body:
            with pytest.raises(BadSignature):
                check_log_signature(msgspec.structs.replace(signed, body=other), KEY.public)


def test_one_more_or_less_in_a_published_total_breaks_its_signature() -> None:
    signed = sign_for_log(FOR_THE_LOG[3], KEY)
    for total in (199_999, 200_001, -200_000, 0):
        body = msgspec.structs.replace(FOR_THE_LOG[3], total=total)
        with pytest.raises(BadSignature):
            check_log_signature(msgspec.structs.replace(signed, body=body), KEY.public)


@pytest.mark.parametrize(
    "sig", ["", "A", "AAAA", "é", "a.b", "\ud800", b64url(bytes(64)), b64url(bytes(63))], ids=ascii
)
def test_a_log_signature_of_another_form_is_refused(sig: str) -> None:
    signed = sign_for_log(FOR_THE_LOG[0], KEY)
    with pytest.raises(BadSignature):
        check_log_signature(msgspec.structs.replace(signed, sig=sig), KEY.public)
    for respelt in (signed.sig + "=", signed.sig + "\n", " " + signed.sig, signed.sig[:-1]):
        with pytest.raises(BadSignature):
            check_log_signature(msgspec.structs.replace(signed, sig=respelt), KEY.public)


def test_what_is_sealed_for_a_service_is_no_log_message_and_the_other_way_round() -> None:
    rule = FOR_THE_LOG[1]
    sealed = seal(rule, KEY)
    with pytest.raises(BadSignature):
        check_log_signature(SignedMessage(body=rule, by=KEY.kid, sig=sealed.rpartition(".")[2]), KEY.public)
    head, payload, _ = sealed.split(".")
    with pytest.raises(BadSignature):
        open_sealed(f"{head}.{payload}.{sign_for_log(rule, KEY).sig}", KEY.public, RulePublished)


@pytest.mark.parametrize("message", FOR_THE_LOG, ids=kind)
def test_a_log_entry_reads_back_the_same_and_takes_no_unknown_field(message: LogMessage) -> None:
    entry = LogEntry(at="2026-11-01T00:00:00Z", entry=sign_for_log(message, KEY))
    written = canonical.encode(entry)
    assert canonical.decode(written, LogEntry) == entry
    for path in ((), ("entry",), ("entry", "body")):
        content = json.loads(written)
        at = content
        for name in path:
            at = at[name]
        at["person"] = "x"
        with pytest.raises(MalformedMessage):
            canonical.decode(canonical.encode(content), LogEntry)


def test_what_passes_between_services_cannot_be_written_into_the_log() -> None:
    signed = plain_signed = json.loads(canonical.encode(sign_for_log(FOR_THE_LOG[0], KEY)))
    for message in BETWEEN_SERVICES:
        with pytest.raises(MalformedMessage):
            canonical.decode(canonical.encode(plain_signed | {"body": plain(message)}), SignedMessage)
    assert canonical.decode(canonical.encode(signed), SignedMessage).by == KEY.kid
