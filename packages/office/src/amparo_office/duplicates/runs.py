"""Looking for possible duplicates in the register.

A finding changes no record, no aid and no payment: it only puts a pair before a reviewer. What was judged stays judged until the
compared data themselves change. A run is whole or nothing at its end, so one that was killed is simply run again.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec
from django.db import connection, models, transaction
from django.db.models import Q

from amparo_office.duplicates.compared import Birth, Compared, Place, birth, compared
from amparo_office.duplicates.crowds import sort_out
from amparo_office.duplicates.finding import Pair, find
from amparo_office.duplicates.merging import refresh_index
from amparo_office.duplicates.model import published
from amparo_office.duplicates.models import Compared as ComparedRow
from amparo_office.duplicates.models import Crowd, CrowdMember, PossibleDuplicate, Verdict
from amparo_office.duplicates.service import UNDECIDED
from amparo_office.register.access import open_for_matching
from amparo_office.register.models import Area, Household, Individual, RecordState, Relationship
from amparo_office.register.sealing import Identity, Name
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember
from amparo_staff.trail.service import note

BIRTH = "birth_date"
_AT_ONCE = 2_000

Progress = Callable[[int, int], None]


class Counts(msgspec.Struct, frozen=True):
    """What a run did: records there are, records that were new or changed, pairs and crowds that it put before reviewers."""

    people: int
    fresh: int
    pairs: int
    crowds: int


class _Opened(msgspec.Struct, frozen=True):
    number: int
    household: int | None
    is_head: bool
    birth: Birth
    identity: Identity


def find_duplicates(*, by: StaffMember | None, at: datetime, progress: Progress = lambda _done, _total: None) -> Counts:
    """Compare what is new or changed with everybody. The same register gives the same pairs, in one run or in many."""
    refresh_index()
    people = read_all(by=by, at=at, progress=progress)
    key = vault().index_key
    digests = {person.number: person.digest(key) for person in people}
    known = {number: bytes(digest) for number, digest in ComparedRow.objects.values_list("individual", "digest")}
    fresh = {number for number, digest in digests.items() if known.get(number) != digest}
    count = len(people)
    found = find(
        people,
        fresh,
        published(),
        progress=lambda done, total: progress(count + done * count // max(total, 1), 2 * count),
    )
    progress(2 * count, 2 * count)
    with transaction.atomic():
        made = _store(found, fresh, digests, at)
        note(
            "duplicates.found",
            by=by,
            at=at,
            details={"people": made.people, "fresh": made.fresh, "pairs": made.pairs, "crowds": made.crowds},
        )
    return made


def read_all(*, by: StaffMember | None, at: datetime, progress: Progress) -> list[Compared]:
    """Everybody who is neither merged nor gone, made comparable. One line in the access log stands for all."""
    homes = dict(Household.objects.values_list("id", "area_id"))
    districts = dict(Area.objects.values_list("code", "parent_id"))
    total = Individual.objects.exclude(state__in=(RecordState.MERGED, RecordState.LEFT)).count()
    opened: list[_Opened] = []
    heads: dict[int, Name] = {}
    for done, (row, identity) in enumerate(open_for_matching(by=by, at=at), 1):
        is_head, home = row.relationship == Relationship.HEAD, row.household_id
        if is_head and home is not None and identity.names:
            heads[home] = identity.names[0]
        if row.state != RecordState.LEFT:
            born = birth(row.facts.get(BIRTH), row.birth_precision)
            opened.append(_Opened(row.id, home, is_head, born, identity))
        if done % _AT_ONCE == 0:
            progress(done, 2 * total)
    found = []
    while opened:  # what was opened is let go as it is made comparable
        each = opened.pop()
        area = homes.get(each.household) if each.household is not None else None
        place = Place(
            household=each.household,
            area=area,
            district=districts.get(area) if area else None,
            is_head=each.is_head,
            head=heads.get(each.household) if each.household is not None else None,
        )
        found.append(compared(each.number, each.identity, each.birth, place))
    return found[::-1]


def _store(found: list[Pair], fresh: set[int], digests: dict[int, bytes], at: datetime) -> Counts:
    _leave_crowds(fresh)
    rows = {(row.first_id, row.second_id): row for row in PossibleDuplicate.objects.select_for_update()}
    again = {(pair.first, pair.second) for pair in found}
    for ends, row in list(rows.items()):
        if row.verdict == Verdict.WAITING and fresh.intersection(ends) and ends not in again:
            row.delete()  # what made them alike was corrected
            del rows[ends]
    asked = [pair for pair in found if not _is_judged(rows.get((pair.first, pair.second)), pair, digests)]
    waiting = [ends for ends, row in rows.items() if row.verdict in UNDECIDED]
    sorted_out = sort_out(asked, waiting, set(CrowdMember.objects.values_list("individual", flat=True)))
    pairs = _store_pairs(sorted_out.pairs, rows, digests, at)
    crowds = sum(_store_crowd(crowd, digests, at) for crowd in sorted_out.crowds)
    _remember({number: digests[number] for number in sorted(fresh)})
    return Counts(len(digests), len(fresh), pairs, crowds)


def _remember(digests: dict[int, bytes]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO duplicates_compared (individual_id, digest) VALUES (%s, %s)"
            " ON CONFLICT (individual_id) DO UPDATE SET digest = excluded.digest",
            list(digests.items()),
        )


def _is_judged(row: PossibleDuplicate | None, pair: Pair, digests: dict[int, bytes]) -> bool:
    return (
        row is not None
        and row.verdict not in UNDECIDED
        and bytes(row.basis) == _basis(pair.first, pair.second, digests)
    )


def _basis(first: int, second: int, digests: dict[int, bytes]) -> bytes:
    return digests[first] + digests[second]


def _store_pairs(
    pairs: list[Pair], rows: dict[tuple[int, int], PossibleDuplicate], digests: dict[int, bytes], at: datetime
) -> int:
    new = []
    for pair in pairs:
        basis, row = _basis(pair.first, pair.second, digests), rows.get((pair.first, pair.second))
        if row is None:
            new.append(
                PossibleDuplicate(first_id=pair.first, second_id=pair.second, agreed=pair.agreed, basis=basis, found=at)
            )
            continue
        if row.verdict not in UNDECIDED:  # judged, but on other data
            row.verdict, row.by, row.at, row.found = Verdict.WAITING, None, None, at
        row.agreed, row.basis = pair.agreed, basis
        row.save()
    PossibleDuplicate.objects.bulk_create(new, batch_size=_AT_ONCE)
    return len(pairs)


def _store_crowd(people: set[int], digests: dict[int, bytes], at: datetime) -> int:
    """One case for all of them, joined with those that exist. 1 when it is new or has grown."""
    PossibleDuplicate.objects.filter(verdict=Verdict.WAITING).filter(
        Q(first__in=people) | Q(second__in=people)
    ).delete()
    members = {row.individual_id: row for row in CrowdMember.objects.filter(individual__in=people)}
    crowds = sorted({row.crowd_id for row in members.values()})
    if crowds:
        crowd = Crowd.objects.get(id=crowds[0])
        CrowdMember.objects.filter(crowd__in=crowds[1:]).update(crowd=crowd)
        Crowd.objects.filter(id__in=crowds[1:]).delete()
    else:
        crowd = Crowd.objects.create(found=at)
    new = sorted(people - set(members))
    CrowdMember.objects.bulk_create(
        CrowdMember(crowd=crowd, individual_id=number, basis=digests[number]) for number in new if number in digests
    )
    if new:
        Crowd.objects.filter(id=crowd.id).update(found=at, looked_by=None, looked_at=None)
    return int(bool(new))


def _leave_crowds(fresh: set[int]) -> None:
    """Whose data changed is compared anew, and a crowd of one is none."""
    left = [number for number in CrowdMember.objects.values_list("individual", flat=True) if number in fresh]
    for start in range(0, len(left), _AT_ONCE):
        CrowdMember.objects.filter(individual__in=left[start : start + _AT_ONCE]).delete()
    Crowd.objects.annotate(many=models.Count("people")).filter(many__lt=2).delete()
