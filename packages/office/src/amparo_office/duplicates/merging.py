"""Merging two records of one person, and undoing it.

Nothing is copied over: one record is kept, the other becomes `merged` and points to it, and both keep their histories. What hangs
on a record (turns to collect, entries of the search index, members who move along) is derived again from where it belongs by right
and from which merges hold, so that merges undone in any order leave exactly what was there before.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from amparo_office.duplicates.models import (
    Emptied,
    Merge,
    MovedCollector,
    MovedMember,
    OwnIndex,
    PossibleDuplicate,
    Verdict,
)
from amparo_office.errors import MergeRefused, OutsideArea, RecordUnknown, UndoRefused
from amparo_office.register import search
from amparo_office.register.correction import area_of, within
from amparo_office.register.models import (
    Change,
    Collector,
    Household,
    Individual,
    Origin,
    RecordState,
    Relationship,
)
from amparo_staff.accounts.models import StaffMember
from amparo_staff.trail.service import note

COUNTING = (RecordState.NEW.value, RecordState.VALIDATED.value, RecordState.PAUSED.value)
PERMISSION = "duplicates.judge"


def current(number: int) -> int:
    """The record that counts for this one: itself, or the one that it was merged into in the end."""
    while (into := Individual.objects.filter(id=number).values_list("merged_into", flat=True).first()) is not None:
        number = into
    return number


def merge(kept: int, other: int, *, with_members: bool, why: str, by: StaffMember, at: datetime) -> Merge:
    """Merge `other` into `kept`. `with_members`: those who live with the other move to the kept one's household. Raises
    `MergeRefused`, `OutsideArea`."""
    with transaction.atomic():
        rows = _locked(kept, other, by)
        keep, gone = rows[kept], rows[other]
        _check(keep, gone)
        moves = (
            with_members
            and None not in (keep.household_id, gone.household_id)
            and keep.household_id != gone.household_id
        )
        members = _counting(gone.household_id).exclude(id=gone.id) if moves else Individual.objects.none()
        made = Merge.objects.create(
            kept=keep,
            other=gone,
            state=gone.state,
            source_id=gone.household_id if moves else None,
            target_id=keep.household_id if moves else None,
            members=sorted(members.values_list("id", flat=True)),
            why=why,
            by=by,
            at=at,
        )
        gone.state, gone.merged_into = RecordState.MERGED, keep
        _changed((keep, gone), "merged", why, by, at)
        _settle(made)
        note(
            "duplicates.merged",
            by=by,
            at=at,
            subject=keep.ref,
            details={"other": gone.ref, "members": len(made.members)},
        )
        return made


def undo(number: int, *, by: StaffMember, at: datetime) -> Merge:
    """Undo a merge, whatever else was merged since; the pair waits for a verdict again. Raises `UndoRefused`, `OutsideArea`."""
    with transaction.atomic():
        made = Merge.objects.select_for_update().filter(id=number).first()
        if made is None or made.undone_at is not None:
            raise UndoRefused("This merge does not hold any more.")
        rows = _locked(made.kept_id, made.other_id, by)
        keep, gone = rows[made.kept_id], rows[made.other_id]
        if gone.relationship == Relationship.HEAD:
            _refuse_second_head(gone.household_id)
        made.undone_by, made.undone_at = by, at
        made.save()
        gone.state, gone.merged_into = made.state, None
        _changed((keep, gone), "unmerged", made.why, by, at)
        _settle(made)
        pair = sorted((keep.id, gone.id))
        PossibleDuplicate.objects.filter(first=pair[0], second=pair[1]).update(
            verdict=Verdict.WAITING, by=None, at=None
        )
        note("duplicates.unmerged", by=by, at=at, subject=keep.ref, details={"other": gone.ref})
        return made


def refresh_index() -> None:
    """Give kept records the index entries of those merged into them again: a correction of a kept record wrote only its own."""
    for kept in Merge.objects.filter(undone_at=None).values_list("kept", flat=True).distinct():
        with transaction.atomic():
            _settle_index(_tree(current(kept)))


# --- checks --------------------------------------------------------------------------------------------------------------


def _locked(kept: int, other: int, by: StaffMember) -> dict[int, Individual]:
    rows = {
        row.id: row
        for row in Individual.objects.select_for_update(of=("self",)).filter(id__in=(kept, other)).order_by("id")
    }
    if len(rows) < 2:
        raise RecordUnknown("There is no such pair of people.")
    areas = by.areas(PERMISSION)
    if not all(within(areas, area_of(row)) for row in rows.values()):
        raise OutsideArea("This record lies outside your areas.")
    return rows


def _check(keep: Individual, gone: Individual) -> None:
    if keep.id == gone.id or RecordState.MERGED in (keep.state, gone.state):
        raise MergeRefused("These two records cannot be merged.")
    if gone.relationship == Relationship.HEAD and keep.household_id == gone.household_id:
        raise MergeRefused("Keep the record of the head of the household.")


def _refuse_second_head(household: int | None) -> None:
    if household is not None and _counting(household).filter(relationship=Relationship.HEAD).exists():
        raise UndoRefused("The household has another head by now.")


def _counting(household: int | None) -> QuerySet[Individual]:
    if household is None:
        return Individual.objects.none()
    return Individual.objects.filter(household_id=household, state__in=COUNTING)


def _changed(rows: Iterable[Individual], what: str, why: str, by: StaffMember, at: datetime) -> None:
    origin = Origin.objects.create(kind=Origin.Kind.CORRECTION, source="duplicates", day=at.date(), by=by)
    for row in rows:
        row.version += 1
        row.save()
        Change.objects.create(
            individual=row, version=row.version, at=at, by=by, origin=origin, what=what, fields=["state"], reason=why
        )


# --- what hangs on the records ---------------------------------------------------------------------------------------------


def _settle(made: Merge) -> None:
    trees = [_tree(root) for root in {current(made.kept_id), current(made.other_id)}]
    touched = {person for tree in trees for person in tree}
    _settle_members(made.members)
    _settle_collectors(touched)
    for tree in trees:
        _settle_index(tree)
    homes = set(Individual.objects.filter(id__in=[*touched, *made.members]).values_list("household_id", flat=True))
    _settle_households({home for home in (*homes, made.source_id, made.target_id) if home is not None})


def _tree(root: int) -> list[int]:
    """A record that counts, and all that were merged into it."""
    found, edge = [root], [root]
    while edge := list(Individual.objects.filter(merged_into__in=edge).order_by("id").values_list("id", flat=True)):
        found += edge
    return found


def _settle_members(numbers: Iterable[int]) -> None:
    for person in Individual.objects.select_for_update(of=("self",)).filter(id__in=list(numbers)).order_by("id"):
        if person.household_id is None:
            continue
        stash = MovedMember.objects.filter(individual=person).first()
        if stash is not None and stash.placed_id != person.household_id:
            stash.delete()
            continue
        home = person.household_id if stash is None else stash.home_id
        relationship = person.relationship if stash is None else stash.relationship
        place = _moved_to(person.id, home)
        if place == home:
            _bring_home(person, home, relationship)
            MovedMember.objects.filter(individual=person).delete()
            continue
        person.household_id = place
        person.relationship = Relationship.OTHER if relationship == Relationship.HEAD else relationship
        person.version += 1
        person.save()
        MovedMember.objects.update_or_create(
            individual=person, defaults={"home_id": home, "relationship": relationship, "placed_id": place}
        )


def _bring_home(person: Individual, home: int, relationship: str) -> None:
    if (person.household_id, person.relationship) == (home, relationship):
        return
    if relationship == Relationship.HEAD and person.state in COUNTING:
        _refuse_second_head(home)
    person.household_id, person.relationship, person.version = home, relationship, person.version + 1
    person.save()


def _moved_to(person: int, home: int) -> int:
    """Where the merges that hold bring somebody from their home, in the order in which they were made."""
    place = home
    for made in Merge.objects.filter(undone_at=None).exclude(source=None).order_by("id").iterator():
        if made.source_id == place and person in made.members and made.target_id is not None:
            place = made.target_id
    return place


def _settle_collectors(touched: set[int]) -> None:
    homes = set(Collector.objects.filter(individual__in=touched).values_list("household_id", flat=True))
    homes |= set(MovedCollector.objects.filter(individual__in=touched).values_list("household_id", flat=True))
    for home in sorted(homes):
        _settle_turns(home)


def _settle_turns(home: int) -> None:
    rows = {row.kind: row for row in Collector.objects.select_for_update().filter(household=home)}
    stashes = {row.kind: row for row in MovedCollector.objects.filter(household=home)}
    rights: dict[str, tuple[int, int]] = {}
    for kind in Collector.Kind.values:
        row, stash = rows.get(kind), stashes.get(kind)
        if stash is not None and stash.holder_id == (row.individual_id if row else None):
            rights[kind] = (stash.number, stash.individual_id)
        elif row is not None:  # nobody merged it, or it was given to somebody else by hand since
            rights[kind] = (row.id, row.individual_id)
    holders: dict[str, int | None] = {kind: current(person) for kind, (_, person) in rights.items()}
    if holders.get(Collector.Kind.ALTERNATE) == holders.get(Collector.Kind.PRIMARY) and len(holders) == 2:
        holders[Collector.Kind.ALTERNATE] = None
    Collector.objects.filter(household=home).delete()
    MovedCollector.objects.filter(household=home).delete()
    for kind, (number, person) in rights.items():
        holder = holders[kind]
        if holder is not None:
            Collector.objects.create(id=number, household_id=home, kind=kind, individual_id=holder)
        if holder != person:
            MovedCollector.objects.create(
                household_id=home, kind=kind, number=number, individual_id=person, holder_id=holder
            )


def _settle_index(tree: list[int]) -> None:
    """The first of the tree is found by everybody's data, the others not at all."""
    rows = {row.id: row for row in Individual.objects.select_for_update(of=("self",)).filter(id__in=tree)}
    own = {number: _own(row) for number, row in rows.items()}
    whole = search.pack({value for each in own.values() for value in search.unpack(each)})
    for number in tree:
        row = rows[number]
        wanted = (whole if number == tree[0] else b"") if len(tree) > 1 else own[number]
        before = bytes(row.searched)
        if before != wanted:
            search.remove_person(number, before)
            search.add_person(number, search.unpack(wanted))
            Individual.objects.filter(id=number).update(searched=wanted)
        if len(tree) > 1:
            OwnIndex.objects.update_or_create(individual_id=number, defaults={"own": own[number], "joined": wanted})
        else:
            OwnIndex.objects.filter(individual_id=number).delete()


def _own(row: Individual) -> bytes:
    stash = OwnIndex.objects.filter(individual=row).first()
    if stash is None or bytes(stash.joined) != bytes(row.searched):
        return bytes(row.searched)
    return bytes(stash.own)


def _settle_households(numbers: set[int]) -> None:
    for home in Household.objects.select_for_update(of=("self",)).filter(id__in=numbers).order_by("id"):
        stash = Emptied.objects.filter(household=home).first()
        empty = not _counting(home.id).exists()
        if empty and stash is None and home.state in COUNTING:
            Emptied.objects.create(household=home, state=home.state)
            home.state = RecordState.MERGED
        elif not empty and stash is not None:
            home.state = RecordState(stash.state)
            stash.delete()
        else:
            continue
        home.version += 1
        home.save()
