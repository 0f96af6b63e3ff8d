"""What the office does with voucher sheets: takes in whose they are, and has a lost one struck by two people.

The office holds no code. It signs an order; the printing desk, which can open the sheet's reserve only with the household's slip,
carries it out (docs/decisions/0039).
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amparo_common import canonical
from amparo_common.sheets import SHEET_LIST, STRIKE_TYP, StrikeOrder, read_sheet_number, sheet_number, shown_number
from amparo_common.signing import SigningKey, sign_compact
from amparo_office import people
from amparo_office.packets.models import Packet
from amparo_office.register.forms_filter import in_areas
from amparo_office.register.models import Household
from amparo_office.register.refs import chunks
from amparo_staff.accounts.models import StaffMember
from amparo_staff.approvals.models import Approval, Decision
from amparo_staff.approvals.service import ask, carried_out
from amparo_staff.trail.service import note

STRIKE = "packets.strike"
CHANGE = "register.change"
MOST_ROWS = 200_000
# How long vouchers may still be valid when their sheets are taken in: whose they are is not kept for longer.
MOST_AHEAD = timedelta(days=400)


class ListFault(msgspec.Struct, frozen=True):
    """A row of a list that cannot be taken in: its line, and why as a code of `views.REASONS`."""

    line: int
    reason: str


class _Row(msgspec.Struct, frozen=True):
    line: int
    number: str | None
    ref: str
    until: date | None


def take_in(content: bytes, *, by: StaffMember, at: datetime) -> tuple[int, list[ListFault]]:
    """Take in the printing desk's list (packets.csv): how many sheets are new, or what is wrong with it; then nothing is stored.
    The same list again changes nothing. A household outside the areas in which `by` may change the register is like none."""
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return 0, [ListFault(1, "unreadable")]
    if not lines or tuple(lines[0]) != SHEET_LIST or len(lines) > MOST_ROWS:
        return 0, [ListFault(1, "unreadable")]
    rows = [_read(line, cells) for line, cells in enumerate(lines[1:], start=2)]
    found = _within(people.numbers_of({row.ref for row in rows}), by.areas(CHANGE))
    with transaction.atomic():
        numbers = [row.number for row in rows if row.number]
        known = dict(Packet.objects.filter(number__in=numbers).values_list("number", "household_id"))
        faults = list(_faults(rows, found, known=known, latest=at.date() + MOST_AHEAD))
        if faults:
            return 0, faults
        made = [
            Packet(number=row.number, household_id=found[row.ref], until=row.until)
            for row in rows
            if row.number is not None and row.until is not None and row.number not in known
        ]
        Packet.objects.bulk_create(made, batch_size=500)
        note(
            "packets.taken-in", by=by, at=at, details={"count": len(made), "list": hashlib.sha256(content).hexdigest()}
        )
    return len(made), []


def _within(found: dict[str, int], areas: list[str]) -> dict[str, int]:
    """Of these references' households those in the areas."""
    mine: set[int] = set()
    for some in chunks(found.values()):
        mine.update(in_areas(Household.objects.filter(id__in=some), areas).values_list("id", flat=True))
    return {ref: number for ref, number in found.items() if number in mine}


def _read(line: int, cells: list[str]) -> _Row:
    number, ref, until = cells if len(cells) == len(SHEET_LIST) else ("", "", "")
    try:
        ends = date.fromisoformat(until)
    except ValueError:
        ends = None
    return _Row(line, read_sheet_number(number), ref.strip(), ends)


def _faults(rows: list[_Row], found: dict[str, int], *, known: dict[str, int], latest: date) -> Iterator[ListFault]:
    here: set[str] = set()
    for row in rows:
        if row.number is None:
            yield ListFault(row.line, "number")
        elif row.until is None:
            yield ListFault(row.line, "until")
        elif row.until > latest:
            yield ListFault(row.line, "far")
        elif row.ref not in found:
            yield ListFault(row.line, "household")
        elif row.number in here or known.get(row.number, found[row.ref]) != found[row.ref]:
            yield ListFault(row.line, "twice")
        else:
            here.add(row.number)


def packets() -> QuerySet[Packet]:
    """Every sheet, with its household. `stands_in`: it was ordered in place of a lost one. Whether it was ever printed nobody here
    knows: the printing desk makes none where all was spent."""
    lost = Packet.objects.filter(successor=OuterRef("number"))
    return Packet.objects.select_related("household").annotate(stands_in=Exists(lost))


def packets_of(household: int) -> QuerySet[Packet]:
    """The sheets of a household, those that end last first."""
    return packets().filter(household_id=household).order_by("-until", "number")


def waiting(packet: Packet) -> Approval | None:
    """The question about striking this sheet that waits for its answer, if there is one."""
    return Approval.objects.filter(kind=STRIKE, state=Decision.WAITING, subject__sheet=packet.number).first()


def ask_strike(packet: Packet, *, reason: str, by: StaffMember, at: datetime) -> Approval:
    """Ask a second person to strike a lost sheet; the question that waits already, if there is one."""
    with transaction.atomic():
        row = Packet.objects.select_for_update().get(number=packet.number)
        asked = waiting(row)
        home = row.household
        subject = {"sheet": row.number, "household": home.ref, "area": home.area_id or ""}
        return asked or ask(STRIKE, subject, reason=reason, by=by, at=at)


def strike_words(approval: Approval) -> str:
    """What the second person is asked."""
    subject = approval.subject
    told = _(
        "Strike the lost sheet %(number)s of the household %(household)s."
        " What is unspent is printed anew; the old vouchers pay nothing."
    )
    return told % {"number": shown_number(subject["sheet"]), "household": subject["household"]}


@carried_out(
    STRIKE,
    permission="approvals.decide",
    words=strike_words,
    heed=gettext_lazy(
        "Say yes only while the household is here with its slip."
        " Somebody else than who asked carries the order and hands over the new sheet."
    ),
    then=lambda approval, member: (
        (_("The sheet"), reverse("sheet", args=[approval.subject["sheet"]])) if member.may("register.view") else None
    ),
)
def strike(approval: Approval, at: datetime) -> None:
    """A second person agreed: the sheet is struck, and its successor has a number. Once, however often it is asked."""
    row = Packet.objects.select_for_update().filter(number=approval.subject["sheet"]).first()
    if row is None or row.state == Packet.State.STRUCK:
        return
    successor = sheet_number(lambda number: Packet.objects.filter(number=number).exists())
    row.state, row.successor, row.approval = Packet.State.STRUCK, successor, approval.id
    row.save()
    Packet.objects.create(number=row.successor, household_id=row.household_id, until=row.until)
    note("packets.struck", by=approval.maker, at=at, subject=row.number)


def may_carry(packet: Packet, member: StaffMember) -> bool:
    """Whether a member may carry the order of a struck sheet to the printing desk: who said yes, or who may change the household's
    record; never who asked for it."""
    approval = None if packet.approval is None else Approval.objects.filter(id=packet.approval).first()
    if approval is None or approval.maker_id == member.id:
        return False
    home = Household.objects.filter(id=packet.household_id)
    return approval.votes.filter(member=member, yes=True).exists() or in_areas(home, member.areas(CHANGE)).exists()


def order_of(packet: Packet, key: SigningKey) -> str | None:
    """The signed order for the printing desk; None while the sheet is not struck."""
    if packet.successor is None:
        return None
    told = StrikeOrder(sheet=packet.number, successor=packet.successor)
    return sign_compact(canonical.encode(told), key, typ=STRIKE_TYP)


def end(today: date) -> int:
    """Forget sheets whose vouchers have ended; how many."""
    count, _by_table = Packet.objects.filter(until__lt=today).delete()
    return count
