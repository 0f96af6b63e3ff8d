"""Voucher sheets at the desk: whose they are, a lost one struck by two people, and that nothing more is known here."""

import csv
import hashlib
import io
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from packages.office.tests.register.desk_pages import NOON, areas, household, signed_in, text
from tests.servers.desk import member

from amparo_common import canonical
from amparo_common.clock import FixedClock
from amparo_common.sheets import (
    SHEET_LIST,
    STRIKE_TYP,
    Listed,
    StrikeOrder,
    read_sheet_number,
    sheet_number,
    write_sheet_list,
)
from amparo_common.signing import VerifyingKey, verify_compact
from amparo_office.desk import place
from amparo_office.packets import service
from amparo_office.packets.models import Packet
from amparo_office.register import erasure
from amparo_office.register.models import Household
from amparo_service.keys import signing_key
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import answer
from amparo_staff.errors import AlreadyDecided, MayNotApprove
from amparo_staff.jobs.service import add, run_next
from amparo_staff.trail.models import TrailEntry

UNTIL = date(2027, 1, 31)


def listed(*rows: tuple[str, str, str]) -> SimpleUploadedFile:
    """A list as the printing desk writes it."""
    written = io.StringIO()
    csv.writer(written).writerows([SHEET_LIST, *rows])
    return SimpleUploadedFile("packets.csv", written.getvalue().encode())


def packet(home: Household, number: str = "") -> Packet:
    """A sheet of a household."""
    return Packet.objects.create(number=number or sheet_number(), household=home, until=UNTIL)


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages live at the moment of what is asked for: an approval lapses."""
    monkeypatch.setattr(settings, "AMPARO_CLOCK", FixedClock(NOON))


@pytest.fixture
def home(desk_database: str) -> Household:
    """A household in the village."""
    areas()
    return household("Luz", "Quintero")


# --- whose they are ----------------------------------------------------------------------------------------------------------


def test_a_list_of_the_printing_desk_is_taken_in_once(browser: Client, home: Household) -> None:
    signed_in(browser, Role.REGISTRAR)
    number = sheet_number()
    written = write_sheet_list([Listed(number, home.ref.lower(), UNTIL)])
    for _ in range(2):
        sent = browser.post("/sheets/take-in/", {"file": SimpleUploadedFile("packets.csv", written)})
        assert sent["Location"] == "/sheets/"
    assert list(Packet.objects.values_list("number", "household_id", "until", "state")) == [
        (number, home.id, UNTIL, "out")
    ]
    said = [entry.details for entry in TrailEntry.objects.filter(action="packets.taken-in").order_by("number")]
    assert said == [{"count": count, "list": hashlib.sha256(written).hexdigest()} for count in (1, 0)]


def test_of_a_list_with_a_slip_nothing_is_taken_in_and_each_row_says_why(browser: Client, home: Household) -> None:
    by = signed_in(browser, Role.REGISTRAR)
    other, good = household("Ana", "Rojas"), sheet_number()
    packet(other, known := sheet_number())
    wrong = "0" if good[-1] != "0" else "1"
    rows = [
        (good, home.ref, "2027-01-31"),
        (good[:-1] + wrong, home.ref, "2027-01-31"),
        (sheet_number(), home.ref, "31.1.2027"),
        (sheet_number(), home.ref, "9999-12-31"),
        (sheet_number(), "H-0000-0000", "2027-01-31"),
        (good, home.ref, "2027-01-31"),
        (known, home.ref, "2027-01-31"),
    ]
    count, faults = service.take_in(listed(*rows).read(), by=by, at=NOON)
    assert count == 0
    assert [(each.line, each.reason) for each in faults] == [
        (3, "number"),
        (4, "until"),
        (5, "far"),
        (6, "household"),
        (7, "twice"),
        (8, "twice"),
    ]
    answered = browser.post("/sheets/take-in/", {"file": listed(*rows)})
    assert answered.status_code == 400
    for words in ("The number of the sheet is mistyped.", "no voucher is valid for so long"):
        assert words in text(answered)
    for broken in (b"", b"\xff\xfe", b"sheet;household;until\n", b'sheet,household,until\n"'):
        assert service.take_in(broken, by=by, at=NOON)[1][0].reason == "unreadable"
    assert Packet.objects.count() == 1


def test_sheets_of_households_in_other_areas_are_taken_in_as_little_as_those_of_nobody(home: Household) -> None:
    there, nowhere = household("Ana", "Rojas", area="XA02"), household("Eva", "Paz", area=None)
    by = member(Role.REGISTRAR, area="XA01")
    for ref in (there.ref, nowhere.ref, "H-0000-0000"):
        sent = write_sheet_list([Listed(sheet_number(), home.ref, UNTIL), Listed(sheet_number(), ref, UNTIL)])
        assert service.take_in(sent, by=by, at=NOON) == (0, [service.ListFault(3, "household")])
    everywhere = write_sheet_list([Listed(sheet_number(), each.ref, UNTIL) for each in (home, there, nowhere)])
    assert service.take_in(everywhere, by=member(Role.VALIDATOR), at=NOON) == (3, [])


def test_the_last_day_of_vouchers_is_four_hundred_days_ahead_at_most(home: Household) -> None:
    by = member(Role.REGISTRAR)
    for day, taken in ((date(2027, 12, 27), 1), (date(2027, 12, 28), 0)):
        sent = write_sheet_list([Listed(sheet_number(), home.ref, day)])
        assert service.take_in(sent, by=by, at=NOON)[0] == taken


def test_a_sheet_is_found_by_its_number_and_by_its_household(browser: Client, home: Household) -> None:
    signed_in(browser, Role.REGISTRAR)
    row = packet(home)
    typed = f"{row.number[:4]} {row.number[4:8]} {row.number[8:]}"
    assert browser.post("/sheets/", {"said": typed})["Location"] == f"/sheets/{row.number}/"
    assert browser.post("/sheets/", {"said": home.ref.lower()})["Location"] == f"/sheets/of/{home.ref}/"
    assert typed in text(browser.get(f"/sheets/of/{home.ref}/"))
    assert home.ref in text(browser.get(f"/sheets/{row.number}/"))
    for said, words in (("hello", "neither a number nor a reference"), (sheet_number(), "no such sheet")):
        missed = browser.post("/sheets/", {"said": said})
        assert missed.status_code == 400
        assert words in text(missed)


def test_a_sheet_of_another_area_is_not_there(browser: Client, home: Household) -> None:
    row = packet(home)
    signed_in(browser, Role.REGISTRAR, area="XA02")
    assert browser.post("/sheets/", {"said": row.number}).status_code == 400
    for path in (f"/sheets/{row.number}/", f"/sheets/{row.number}/strike/", f"/sheets/of/{home.ref}/"):
        assert browser.get(path).status_code == 404


# --- a lost one ----------------------------------------------------------------------------------------------------------------


def test_a_lost_sheet_is_struck_by_two_people_and_the_order_is_signed(browser: Client, home: Household) -> None:
    row = packet(home)
    maker = signed_in(browser, Role.REGISTRAR)
    path = f"/sheets/{row.number}/"
    assert browser.get(f"{path}order/").status_code == 404
    assert "reason" in browser.post(f"{path}strike/", {}).context["form"].errors
    assert browser.post(f"{path}strike/", {"reason": "lost at the market"})["Location"] == path
    assert browser.get(f"{path}strike/")["Location"] == path
    approval = Approval.objects.get()
    assert "waits for a second person" in text(browser.get(path))
    assert browser.get(f"{path}order/").status_code == 404
    with pytest.raises(MayNotApprove):
        answer(approval, by=maker, yes=True, why="", at=NOON)
    second = member(Role.APPROVER)
    answer(approval, by=second, yes=True, why="", at=NOON)
    row.refresh_from_db()
    assert row.state == "struck"
    assert row.successor is not None
    assert read_sheet_number(row.successor) == row.successor
    assert Packet.objects.get(number=row.successor).household_id == home.id
    browser.force_login(second)
    signed = browser.get(f"{path}order/")
    assert "attachment" in signed["Content-Disposition"]
    told = verify_compact(signed.content.decode().strip(), _office_key(), typ=STRIKE_TYP)
    assert canonical.decode(told, StrikeOrder) == StrikeOrder(row.number, row.successor)
    browser.force_login(maker)
    assert browser.get(f"{path}strike/")["Location"] == path


def struck(row: Packet, by: StaffMember, second: StaffMember) -> Packet:
    """The sheet after two people struck it."""
    answer(service.ask_strike(row, reason="lost", by=by, at=NOON), by=second, yes=True, why="", at=NOON)
    row.refresh_from_db()
    return row


def test_the_order_is_carried_by_who_said_yes_or_a_colleague_and_never_by_who_asked(
    browser: Client, home: Household
) -> None:
    by, second, colleague = member(Role.REGISTRAR), member(Role.APPROVER), member(Role.VALIDATOR)
    elsewhere = member(Role.VIEWER, Role.VALIDATOR, login="elsewhere")
    elsewhere.grants.filter(role=Role.VALIDATOR).update(area="XA02")
    path = f"/sheets/{struck(packet(home), by, second).number}/"
    carriers = {second: 200, colleague: 200, by: 403, member(Role.VIEWER): 403, elsewhere: 403}
    for who, status in carriers.items():
        browser.force_login(who)
        assert browser.get(f"{path}order/").status_code == status
        assert (f'href="{path}order/"' in text(browser.get(path))) == (status == 200)


def test_the_second_person_reads_whose_sheet_it_is_and_what_to_look_at(browser: Client, home: Household) -> None:
    row = packet(home)
    asked = service.ask_strike(row, reason="lost", by=member(Role.REGISTRAR), at=NOON)
    signed_in(browser, Role.APPROVER, area="XA01")
    shown = text(browser.get(f"/approvals/{asked.id}"))
    for words in (home.ref, row.number[:4], "the household is here with its slip", "Somebody else than who asked"):
        assert words in shown
    browser.force_login(member(Role.APPROVER, login="elsewhere", area="XA02"))
    assert browser.get(f"/approvals/{asked.id}").status_code == 403


def test_a_successor_is_not_called_valid_because_it_may_never_have_been_printed(
    browser: Client, home: Household
) -> None:
    lost, other = struck(packet(home), member(Role.REGISTRAR), member(Role.APPROVER)), packet(home)
    signed_in(browser, Role.VIEWER)
    states = {lost.number: "struck", lost.successor: "in place of a lost one", other.number: "valid"}
    listed_here = text(browser.get(f"/sheets/of/{home.ref}/"))
    for number, state in states.items():
        shown = text(browser.get(f"/sheets/{number}/"))
        assert [each for each in ("struck", "in place of a lost one", "valid") if f"</svg>{each}</span>" in shown] == [
            state
        ]
        assert f"</svg>{state}</span>" in listed_here
        assert ("never printed" in shown) == (number == lost.successor)


def _office_key() -> VerifyingKey:
    return VerifyingKey(signing_key(place.folder(), "publish-key").public.jwk)


def test_asked_twice_a_sheet_is_struck_once(home: Household) -> None:
    row, by = packet(home), member(Role.REGISTRAR)
    first = service.ask_strike(row, reason="lost", by=by, at=NOON)
    assert service.ask_strike(row, reason="lost", by=by, at=NOON).id == first.id
    second = member(Role.APPROVER)
    answer(first, by=second, yes=True, why="", at=NOON)
    row.refresh_from_db()
    successor = row.successor
    with pytest.raises(AlreadyDecided):
        answer(first, by=second, yes=True, why="", at=NOON)
    with transaction.atomic():
        service.strike(first, NOON)
    row.refresh_from_db()
    assert row.successor == successor
    assert Packet.objects.count() == 2


def test_a_successors_number_is_drawn_until_it_is_free(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    row, other = packet(home), packet(home)
    drawn = iter([int(other.number[:-1]), int(row.number[:-1]), 48_210_937_516])
    monkeypatch.setattr("secrets.randbelow", lambda _below: next(drawn))
    asked = service.ask_strike(row, reason="lost", by=member(Role.REGISTRAR), at=NOON)
    answer(asked, by=member(Role.APPROVER), yes=True, why="", at=NOON)
    row.refresh_from_db()
    assert row.successor == "482109375162"


def test_a_no_strikes_nothing(home: Household) -> None:
    row = packet(home)
    asked = service.ask_strike(row, reason="lost", by=member(Role.REGISTRAR), at=NOON)
    answer(asked, by=member(Role.APPROVER), yes=False, why="it was found", at=NOON)
    row.refresh_from_db()
    assert (row.state, row.successor) == ("out", None)


def test_a_second_person_of_another_area_cannot_agree(home: Household) -> None:
    asked = service.ask_strike(packet(home), reason="lost", by=member(Role.REGISTRAR), at=NOON)
    with pytest.raises(MayNotApprove):
        answer(asked, by=member(Role.APPROVER, area="XA02"), yes=True, why="", at=NOON)


def test_who_may_only_look_is_offered_nothing(browser: Client, home: Household) -> None:
    row = packet(home)
    signed_in(browser, Role.VIEWER)
    assert "Strike" not in text(browser.get(f"/sheets/{row.number}/"))
    assert browser.get(f"/sheets/{row.number}/strike/").status_code == 403
    assert browser.get("/sheets/take-in/").status_code == 403


# --- what is known here, and how long ------------------------------------------------------------------------------------------


def test_sheets_are_forgotten_when_their_vouchers_have_ended_and_with_their_household(home: Household) -> None:
    packet(home)
    assert service.end(UNTIL) == 0
    assert service.end(date(2027, 2, 1)) == 1
    packet(home)
    erasure.erase_household(home.id, by=None, at=NOON)
    assert Packet.objects.count() == 0


def test_the_nightly_job_forgets_ended_sheets(home: Household) -> None:
    Packet.objects.create(number=sheet_number(), household=home, until=date(2026, 1, 1))
    add("packets.end", {}, by=None, at=NOON)
    assert run_next(FixedClock(NOON))
    assert Packet.objects.count() == 0


def test_a_refused_voucher_has_a_page_for_shop_and_household_and_nothing_is_asked(
    browser: Client, home: Household
) -> None:
    signed_in(browser, Role.GRIEVANCE_OFFICER)
    shown = text(browser.get("/sheets/refused/"))
    for words in ("Tell the shop", "Tell the household", "This code was used before.", "Bring the slip"):
        assert words in shown
    # The only forms are those of the page's frame.
    main = shown.split("<main", 1)[1].split("</main>", 1)[0]
    assert "<form" not in main
    assert "<input" not in main


def test_no_column_holds_a_code_an_amount_a_shop_or_a_moment() -> None:
    columns = {field.column for field in Packet._meta.local_concrete_fields}
    assert columns == {"number", "household_id", "until", "state", "successor", "approval"}
    here = Path(service.__file__).parent
    assert not [path for path in here.glob("*.py") if "amparo_wallet" in path.read_text()]
