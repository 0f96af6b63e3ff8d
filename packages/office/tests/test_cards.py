"""Identity cards: for every adult with a name, signed, sealed to verifiers, and read back from the printed page."""

from datetime import date, datetime, timedelta

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from packages.office.tests.conftest import (
    CARD_KEY,
    HOME_COLUMNS,
    NOON,
    PERSON_COLUMNS,
    VERIFIER_KEY,
    Town,
    csv_file,
    no_progress,
)

from amparo_common.secret import Secret
from amparo_credentials.card import Card, open_card
from amparo_credentials.errors import CodeExpired, CodeNotGenuine, CodeSealed, WrongVerifierKey
from amparo_office.answers import CardsPrinted
from amparo_office.cards import VALID_DAYS
from amparo_paper.errors import NothingToPrint

# Other kinds are not looked for: a picture of a page may look like one by chance.
QR = zxingcpp.barcode_formats_from_str("QRCode")

PUBLIC = Ed25519PrivateKey.from_private_bytes(CARD_KEY.reveal()).public_key().public_bytes_raw()
OTHER_ISSUER = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
# A grown-up, somebody whose birth is not known, one who turns 18 today, one who does tomorrow, a child, one without a name.
PEOPLE = [
    ("H1", "María José", "Ñandú-Pérez", "ماريا", "es", "1990-01-02", "yes", "no"),
    ("H1", "Omar", "", "", "xx", "", "no", ""),
    ("H1", "Awa", "Diop", "", "fr", "2008-10-20", "no", "yes"),
    ("H1", "Young", "Person", "", "en", "2008-10-21", "no", ""),
    ("H1", "Luz", "Díaz", "", "es", "2024-05-01", "no", ""),
]


def codes(pdf: bytes) -> list[str]:
    """Every code in a file, rendered and read here and not by the code under test."""
    document = pypdfium2.PdfDocument(pdf)
    found = []
    for page in document:
        picture = page.render(scale=200 / 72, rev_byteorder=True).to_numpy()[:, :, :3]
        found += [code.text for code in zxingcpp.read_barcodes(np.ascontiguousarray(picture), QR)]
    document.close()
    return found


@pytest.fixture
def peopled(town: Town) -> Town:
    """A town with the people above."""
    town.publish(wait=False)
    town.take_in(csv_file(HOME_COLUMNS, [("H1", "", "1", "1")]), csv_file(PERSON_COLUMNS, PEOPLE))
    return town


def opened(code: str, *, now: datetime = NOON, key: Secret | None = VERIFIER_KEY) -> Card:
    return open_card(code, PUBLIC, now=now, verifier_key=key)


def test_every_adult_with_a_name_gets_a_card_that_only_verifiers_can_read(peopled: Town) -> None:
    steps: list[tuple[int, int]] = []
    printed, sheets = peopled.card_office(sealed=True).print_all(lambda done, total: steps.append((done, total)))
    assert printed == CardsPrinted(cards=3, read_back=3, without_name=0)
    assert steps == [(0, 3), (3, 3)]
    found = codes(sheets.pdf)
    cards = {card.full_name: card for card in map(opened, found)}
    assert set(cards) == {"María José Ñandú-Pérez", "Omar", "Awa Diop"}
    first = cards["María José Ñandú-Pérez"]
    assert (first.birth_date, first.language, first.other_name) == (date(1990, 1, 2), "spa", "ماريا")
    assert (cards["Omar"].birth_date, cards["Omar"].language, cards["Awa Diop"].language) == (None, "spa", "fra")
    assert {card.expires for card in cards.values()} == {NOON.date() + timedelta(days=VALID_DAYS)}
    for code in found:
        with pytest.raises(CodeSealed):
            opened(code, key=None)
        with pytest.raises(WrongVerifierKey):
            opened(code, key=Secret(b"w" * 32))
        with pytest.raises(CodeNotGenuine):
            open_card(code, OTHER_ISSUER, now=NOON, verifier_key=VERIFIER_KEY)
        with pytest.raises(CodeExpired):
            opened(code, now=NOON + timedelta(days=VALID_DAYS + 1))


def test_open_cards_can_be_read_by_anybody_when_the_programme_says_so(peopled: Town) -> None:
    _, sheets = peopled.card_office(sealed=False).print_all(no_progress)
    assert {opened(code, key=None).full_name for code in codes(sheets.pdf)} == {
        "María José Ñandú-Pérez",
        "Omar",
        "Awa Diop",
    }


def test_card_numbers_are_drawn_anew_for_every_card_and_are_no_number_of_the_register(peopled: Town) -> None:
    office = peopled.card_office(sealed=True)
    numbers = {opened(code).number for _ in range(2) for code in codes(office.print_all(no_progress)[1].pdf)}
    assert len(numbers) == 6
    assert all(len(number) == 12 and number.isdigit() and int(number) > 1_000 for number in numbers)
    assert {row[0] for row in peopled.rows("SELECT number FROM card")} == numbers


def test_people_without_a_name_are_counted_and_get_no_card(town: Town) -> None:
    town.publish(wait=False)
    homes = csv_file(HOME_COLUMNS, [("H1", "", "", "")])
    nameless = ("H1", "", "", "", "", "", "yes", "")
    member = (*nameless[:6], "no", "")
    town.take_in(homes, csv_file(PERSON_COLUMNS, [member, PEOPLE[0], member]))
    no_names = (
        "source: a\ndate: 2026-10-01\nhousehold: {ref: ref}\nindividual: {household: home, facts: {is_head: head}}"
    )
    town.take_in(homes, csv_file(PERSON_COLUMNS, [PEOPLE[0]]), mapping=no_names)
    printed, _ = town.card_office(sealed=True).print_all(no_progress)
    assert printed == CardsPrinted(cards=1, read_back=1, without_name=3)


def test_a_register_without_names_prints_nothing_and_says_so(town: Town) -> None:
    with pytest.raises(NothingToPrint):
        town.card_office(sealed=True).print_all(no_progress)


def test_cards_are_printed_by_a_job_and_fetched_by_a_registrar(running: Town) -> None:
    running.publish(wait=False)
    running.take_in(csv_file(HOME_COLUMNS, [("H1", "", "1", "1")]), csv_file(PERSON_COLUMNS, PEOPLE))
    job = running.ask("registrar", "POST", "/cards").json()["job"]
    assert running.finish(job)["result"] == {"cards": 3, "read_back": 3, "without_name": 0}
    answer = running.ask("registrar", "GET", f"/cards/{job}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert len(codes(answer.content)) == 3
    assert running.ask("programme-manager", "GET", f"/cards/{job}.pdf").status_code == 403
    assert running.ask("registrar", "POST", f"/cards/{job}.pdf/printed").status_code == 200
    assert running.ask("registrar", "GET", f"/cards/{job}.pdf").status_code == 404
    assert running.ask("registrar", "POST", f"/cards/{job}.pdf/printed").status_code == 200


def test_the_key_that_verifies_cards_is_in_the_public_log(town: Town) -> None:
    found = town.log.view().key("cards")
    assert found is not None
    assert found.ed25519 == PUBLIC.hex()
