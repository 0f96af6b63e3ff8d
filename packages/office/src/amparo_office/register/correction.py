"""Changing records: correcting, choosing collectors, moving, splitting, leaving.

Each change names the version that the member of staff saw; when somebody else saved meanwhile it is refused (`RecordChanged`) and
nothing is lost. What stood there before is kept in `Change`, sealed under the record's own key.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet
from msgspec import UNSET, UnsetType

from amparo_office.errors import HouseholdRefused, OutsideArea, RecordChanged, RecordUnknown
from amparo_office.programmes import Needed
from amparo_office.register import catalogue, search
from amparo_office.register.models import (
    Area,
    Change,
    Collector,
    Household,
    Individual,
    Origin,
    RecordState,
    Relationship,
)
from amparo_office.register.refs import new_numbers, new_ref
from amparo_office.register.rules import Facts, check_collectors
from amparo_office.register.sealing import (
    Difference,
    Dwelling,
    Identity,
    Kind,
    open_difference,
    open_dwelling,
    open_identity,
    seal,
)
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember

Row = TypeVar("Row", Household, Individual)


class IndividualChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a person; what is not given stays. A fact or birth date of None is unknown from now on."""

    identity: Identity | UnsetType = UNSET
    relationship: str | UnsetType = UNSET
    birth_date: int | UnsetType | None = UNSET
    birth_precision: str | UnsetType = UNSET
    facts: Facts = {}
    state: str | UnsetType = UNSET


class HouseholdChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a household; what is not given stays."""

    area: str | UnsetType | None = UNSET
    language: str | UnsetType = UNSET
    by_phone: bool | UnsetType = UNSET
    dwelling: Dwelling | UnsetType = UNSET
    facts: Facts = {}
    state: str | UnsetType = UNSET


class Why(msgspec.Struct, frozen=True):
    """Who changes something, when, why and on whose word."""

    reason: str
    source: str
    by: StaffMember | None
    at: datetime

    def origin(self) -> Origin:
        """Where the new facts come from."""
        return Origin.objects.create(
            kind=Origin.Kind.CORRECTION, source=self.source, day=self.at.date(), by=self.by, content_hash=""
        )


def correct_individual(
    number: int,
    changes: IndividualChanges,
    *,
    version: int,
    reason: str,
    origin_source: str,
    by: StaffMember | None,
    at: datetime,
    needed: Needed | None = None,
) -> Individual:
    """Change a person's record. Raises `RecordUnknown`, `RecordChanged`, `OutsideArea`, `HouseholdRefused`, and the catalogue's
    errors."""
    why = Why(reason, origin_source, by, at)
    with transaction.atomic():
        row = lock_individual(number, version, by)
        facts = dict(changes.facts)
        if changes.birth_date is not UNSET:
            facts["birth_date"] = changes.birth_date
        catalogue.check_facts("person", facts, needed)
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for field in ("relationship", "birth_precision", "state"):
            _take(row, field, getattr(changes, field), before, after)
        if changes.identity is not UNSET:
            _take_identity(row, changes.identity, before, after)
        _refuse_second_head(row)
        return _saved(row, "corrected", facts, before, after, why)


def correct_household(
    number: int,
    changes: HouseholdChanges,
    *,
    version: int,
    reason: str,
    origin_source: str,
    by: StaffMember | None,
    at: datetime,
    needed: Needed | None = None,
) -> Household:
    """Change a household's record. Raises like `correct_individual`."""
    why = Why(reason, origin_source, by, at)
    with transaction.atomic():
        row = lock_household(number, version, by)
        catalogue.check_facts("household", changes.facts, needed)
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for field in ("language", "by_phone", "state"):
            _take(row, field, getattr(changes, field), before, after)
        if changes.area is not UNSET:
            _take_area(row, changes.area, by, before, after)
        if changes.dwelling is not UNSET:
            _take_dwelling(row, changes.dwelling, before, after)
        return _saved(row, "corrected", dict(changes.facts), before, after, why)


def set_collectors(
    household: int,
    *,
    primary: int,
    alternate: int | None,
    version: int,
    reason: str,
    origin_source: str,
    by: StaffMember | None,
    at: datetime,
) -> Household:
    """Say who receives for a household: two different people, who need not belong to it. Raises `CollectorsRefused`."""
    why = Why(reason, origin_source, by, at)
    with transaction.atomic():
        row = lock_household(household, version, by)
        active = Individual.objects.filter(id__in=[primary, alternate]).exclude(
            state__in=[RecordState.LEFT, RecordState.MERGED]
        )
        check_collectors(primary, alternate, set(active.values_list("id", flat=True)))
        before = {"collectors": _collectors(row)}
        row.collectors.all().delete()
        chosen = [(Collector.Kind.PRIMARY, primary), (Collector.Kind.ALTERNATE, alternate)]
        Collector.objects.bulk_create(
            Collector(household=row, individual_id=who, kind=kind) for kind, who in chosen if who is not None
        )
        return _saved(row, "collectors", {}, before, {"collectors": _collectors(row)}, why)


def leave(
    household: int,
    *,
    version: int,
    reason: str,
    by: StaffMember | None,
    at: datetime,
    members: list[int] | None = None,
    origin_source: str = "desk",
) -> Household:
    """A household, or some of its members, leaves: they get nothing more, and their record ends after its retention. Nobody who
    leaves collects for the household any longer."""
    why = Why(reason, origin_source, by, at)
    with transaction.atomic():
        row = lock_household(household, version, by)
        going = row.members.exclude(state__in=[RecordState.LEFT, RecordState.MERGED])
        if members is not None:
            going = _all_of(going, members)
        for person in going.select_for_update():
            _end(person, why)
        row.collectors.filter(individual__household=row, individual__state=RecordState.LEFT).delete()
        before: dict[str, Any] = {"left": []}
        after: dict[str, Any] = {"left": sorted(members or [])}
        if not row.members.exclude(state__in=[RecordState.LEFT, RecordState.MERGED]).exists():
            before, after = {"state": row.state}, {"state": RecordState.LEFT.value}
            row.state, row.left_on = RecordState.LEFT, at.date()
        return _saved(row, "left", {}, before, after, why)


def change_head(
    household: int,
    head: int,
    *,
    former: str,
    version: int,
    reason: str,
    origin_source: str,
    by: StaffMember | None,
    at: datetime,
) -> Household:
    """Another member becomes the head; the former one is related to them as `former`."""
    why = Why(reason, origin_source, by, at)
    with transaction.atomic():
        row = lock_household(household, version, by)
        members = {each.id: each for each in row.members.select_for_update()}
        if head not in members or members[head].state in (RecordState.LEFT, RecordState.MERGED):
            raise HouseholdRefused("The new head is not a member of this household.")
        old = [each for each in members.values() if each.relationship == Relationship.HEAD and each.id != head]
        for person in old:
            _relate(person, former, why)
        _relate(members[head], Relationship.HEAD.value, why)
        return _saved(row, "head", {}, {"head": [each.id for each in old]}, {"head": [head]}, why)


def move(
    individual: int,
    household: int,
    *,
    relationship: str,
    version: int,
    reason: str,
    origin_source: str,
    by: StaffMember | None,
    at: datetime,
) -> Individual:
    """A person goes to live in another household. They no longer collect for the one they leave."""
    why = Why(reason, origin_source, by, at)
    with transaction.atomic():
        row = lock_individual(individual, version, by)
        target = lock_household(household, None, by)
        left = row.household
        if left is not None:
            _refuse_empty(left, [individual])
            left.collectors.filter(individual=row).delete()
            _saved(left, "moved", {}, {"member": individual}, {"member": None}, why)
        _saved(target, "moved", {}, {"member": None}, {"member": individual}, why)
        return _housed(row, target, relationship, why)


def split(
    household: int,
    members: list[int],
    *,
    head: int,
    version: int,
    reason: str,
    origin_source: str,
    by: StaffMember | None,
    at: datetime,
) -> Household:
    """Some members become a household of their own, in the same area; `head` becomes its head and primary collector."""
    why = Why(reason, origin_source, by, at)
    with transaction.atomic():
        row = lock_household(household, version, by)
        going = list(_all_of(row.members.select_for_update(), members))
        if head not in {each.id for each in going}:
            raise HouseholdRefused("The new head is not one of those who go.")
        _refuse_empty(row, members)
        made = _new_household(row, why)
        row.collectors.filter(individual_id__in=members).delete()
        for person in going:
            _housed(person, made, Relationship.HEAD.value if person.id == head else Relationship.UNKNOWN.value, why)
        Collector.objects.create(household=made, individual_id=head, kind=Collector.Kind.PRIMARY)
        _saved(row, "split", {}, {"members": sorted(members)}, {"household": made.id}, why)
        return made


def forget_in_changes(row: Household | Individual, facts: Collection[str]) -> None:
    """Take these facts out of what a record's changes say of before and after. That they were changed, by whom and why, stays."""
    is_person = isinstance(row, Individual)
    kind: Kind = "individual-change" if is_person else "household-change"
    changes = Change.objects.filter(Q(individual=row.id) if is_person else Q(household=row.id), sealed__isnull=False)
    telling = [change for change in changes if set(facts) & set(change.fields)]
    keys = vault().keys([row.key]) if telling else {}
    for change in telling if row.key in keys else []:
        said = open_difference(keys[row.key], kind, row.id, change.sealed or b"")
        before, after = (
            {name: value for name, value in each.items() if name not in facts} for each in (said.before, said.after)
        )
        change.sealed = seal(keys[row.key], kind, row.id, Difference(before=before, after=after))
        change.save(update_fields=["sealed"])


# --- steps ---------------------------------------------------------------------------------------------------------------


def lock_individual(number: int, version: int | None, by: StaffMember | None) -> Individual:
    """A person's row, for this transaction. Raises `RecordUnknown`, `OutsideArea`, `RecordChanged`."""
    row = Individual.objects.select_for_update(of=("self",)).filter(id=number).first()
    if row is None:
        raise RecordUnknown("There is no such person.")
    require_area(by, "register.change", area_of(row))
    _refuse_changed(row, version, Q(individual=row))
    return row


def lock_household(number: int, version: int | None, by: StaffMember | None) -> Household:
    """A household's row, for this transaction. Raises like `lock_individual`."""
    row = Household.objects.select_for_update(of=("self",)).filter(id=number).first()
    if row is None:
        raise RecordUnknown("There is no such household.")
    require_area(by, "register.change", row.area_id or "")
    _refuse_changed(row, version, Q(household=row))
    return row


def area_of(row: Individual) -> str:
    """Where a person is: their household's area, or that of the household they collect for; "" when there is none."""
    if row.household is not None:
        return row.household.area_id or ""
    first = row.collects_for.select_related("household").order_by("id").first()
    return "" if first is None else first.household.area_id or ""


def within(areas: list[str], area: str) -> bool:
    """Whether a place lies in one of these areas (P-codes; a longer code lies in a shorter one)."""
    return any(area.startswith(each) for each in areas)


def require_area(by: StaffMember | None, permission: str, area: str) -> None:
    """Raises `OutsideArea` unless the member has the permission there. None is the desk itself."""
    if by is not None and not within(by.areas(permission), area):
        raise OutsideArea("This record lies outside your areas.")


def _refuse_changed(row: Household | Individual, version: int | None, whose: Q) -> None:
    if version is None or row.version == version:
        return
    later = Change.objects.filter(whose, version__gt=version).values_list("fields", flat=True)
    raise RecordChanged("Somebody else changed this record.", sorted({field for fields in later for field in fields}))


def _refuse_empty(household: Household, going: list[int]) -> None:
    staying = household.members.exclude(state__in=[RecordState.LEFT, RecordState.MERGED]).exclude(id__in=going)
    if not staying.exists():
        raise HouseholdRefused("Nobody would stay in the household.")


def _refuse_second_head(row: Individual) -> None:
    if row.relationship != Relationship.HEAD or row.household_id is None:
        return
    heads = Individual.objects.filter(household_id=row.household_id, relationship=Relationship.HEAD)
    if heads.exclude(id=row.id).exclude(state__in=[RecordState.LEFT, RecordState.MERGED]).exists():
        raise HouseholdRefused("The household has a head already.")


def _all_of(members: QuerySet[Individual], numbers: list[int]) -> QuerySet[Individual]:
    chosen = members.filter(id__in=numbers)
    if not numbers or chosen.count() != len(set(numbers)):
        raise HouseholdRefused("Somebody who should go is not a member of this household.")
    return chosen


def _take(row: Household | Individual, field: str, value: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    if value is UNSET or value == getattr(row, field):
        return
    before[field], after[field] = str(getattr(row, field)), str(value)
    setattr(row, field, value)


def _take_identity(row: Individual, identity: Identity, before: dict[str, Any], after: dict[str, Any]) -> None:
    key = vault().key(row.key)
    former = Identity() if row.sealed is None else open_identity(key, row.id, row.sealed)
    if former == identity:
        return
    before["identity"], after["identity"] = msgspec.to_builtins(former), msgspec.to_builtins(identity)
    digests = search.digests_of(vault().index_key, identity)
    search.remove_person(row.id, row.searched)
    search.add_person(row.id, digests)
    row.sealed, row.searched = seal(key, "individual", row.id, identity), search.pack(digests)


def _take_dwelling(row: Household, dwelling: Dwelling, before: dict[str, Any], after: dict[str, Any]) -> None:
    key = vault().key(row.key)
    former = Dwelling() if row.sealed is None else open_dwelling(key, row.id, row.sealed)
    if former != dwelling:
        before["dwelling"], after["dwelling"] = msgspec.to_builtins(former), msgspec.to_builtins(dwelling)
        row.sealed = seal(key, "household", row.id, dwelling)


def _take_area(
    row: Household, area: str | None, by: StaffMember | None, before: dict[str, Any], after: dict[str, Any]
) -> None:
    if area == row.area_id:
        return
    if area is not None and not Area.objects.filter(code=area).exists():
        raise RecordUnknown("There is no such area.")
    require_area(by, "register.change", area or "")
    before["area"], after["area"] = row.area_id, area
    row.area_id = area


def _take_facts(
    row: Household | Individual, facts: Mapping[str, int | None], origin: Origin
) -> tuple[dict[str, Any], dict[str, Any]]:
    changed = {name: value for name, value in facts.items() if name not in row.facts or row.facts[name] != value}
    before = {name: row.facts.get(name) for name in changed}
    row.facts = {**row.facts, **changed}
    row.declared = {**row.declared, **dict.fromkeys(changed, origin.id)}
    return before, changed


def _saved(
    row: Row, what: str, facts: Mapping[str, int | None], before: dict[str, Any], after: dict[str, Any], why: Why
) -> Row:
    """Write the row and its change; a correction that changes nothing writes nothing."""
    if not facts and not after:
        return row
    origin = why.origin()
    replaced: tuple[dict[str, Any], dict[str, Any]] = _take_facts(row, facts, origin)
    fields = sorted({*after, *replaced[1]})
    if not fields:
        origin.delete()
        return row
    row.version += 1
    row.save()
    difference = Difference(before={**before, **replaced[0]}, after={**after, **replaced[1]})
    kind: Kind = "individual-change" if isinstance(row, Individual) else "household-change"
    Change.objects.create(
        individual=row if isinstance(row, Individual) else None,
        household=row if isinstance(row, Household) else None,
        version=row.version,
        at=why.at,
        by=why.by,
        origin=origin,
        what=what,
        fields=fields,
        reason=why.reason,
        sealed=seal(vault().key(row.key), kind, row.id, difference),
    )
    return row


def _collectors(row: Household) -> dict[str, int]:
    return dict(row.collectors.order_by("kind").values_list("kind", "individual_id"))


def _end(person: Individual, why: Why) -> None:
    before = {"state": person.state}
    person.state, person.left_on = RecordState.LEFT, why.at.date()
    _saved(person, "left", {}, before, {"state": RecordState.LEFT.value}, why)


def _relate(person: Individual, relationship: str, why: Why) -> None:
    before = {"relationship": person.relationship}
    person.relationship = relationship
    _saved(person, "head", {}, before, {"relationship": relationship}, why)


def _housed(person: Individual, household: Household, relationship: str, why: Why) -> Individual:
    before = {"household": person.household_id, "relationship": person.relationship}
    person.household, person.relationship = household, relationship
    _refuse_second_head(person)
    return _saved(person, "moved", {}, before, {"household": household.id, "relationship": relationship}, why)


def _new_household(like: Household, why: Why) -> Household:
    """An empty household in the same area, with a key of its own. Its facts have to be asked anew."""
    ((number, key),) = vault().new_keys(1)
    (row,) = new_numbers(Household, 1)
    return Household.objects.create(
        id=row,
        ref=new_ref("H"),
        origin=why.origin(),
        key=number,
        sealed=seal(key, "household", row, Dwelling()),
        area_id=like.area_id,
        language=like.language,
        by_phone=like.by_phone,
    )
