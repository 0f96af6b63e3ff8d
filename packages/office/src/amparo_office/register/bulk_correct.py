"""Correcting many records at once, as a file says: written as the correction of a single one is, with version, who, why, and what
stood there before. Names, papers, telephone and address are not corrected this way: they are opened one by one, for a purpose.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from amparo_office.errors import RecordChanged
from amparo_office.programmes import Needed
from amparo_office.register import bulk, catalogue
from amparo_office.register.models import Change, Household, Individual, Origin, RecordState
from amparo_office.register.rules import Facts
from amparo_office.register.sealing import Difference, Kind, seal
from amparo_office.register.vault import vault
from amparo_rules.catalogue import Entity
from amparo_staff.accounts.models import StaffMember

OPEN = (RecordState.NEW.value, RecordState.VALIDATED.value, RecordState.PAUSED.value)
# Field of a change -> column. Besides facts, nothing else is corrected this way.
HOUSEHOLD_FIELDS = {"area": "area_id", "language": "language", "by_phone": "by_phone"}
PERSON_FIELDS = {"relationship": "relationship", "birth_precision": "birth_precision"}


class Correction(msgspec.Struct, frozen=True):
    """What is to stand in one record: fields of `HOUSEHOLD_FIELDS` or `PERSON_FIELDS`, and facts. `version` is the one that was
    seen."""

    number: int
    version: int
    fields: dict[str, Any]
    facts: Facts

    def differences(self, row: Household | Individual) -> "tuple[dict[str, Any], Facts]":
        """What of it the record does not say already."""
        columns = fields_of(row)
        fields = {name: value for name, value in self.fields.items() if getattr(row, columns[name]) != value}
        facts = {name: value for name, value in self.facts.items() if row.facts.get(name) != value}
        return fields, facts


def fields_of(row: Household | Individual) -> dict[str, str]:
    """The fields beside facts that can be corrected."""
    return PERSON_FIELDS if isinstance(row, Individual) else HOUSEHOLD_FIELDS


def correct_some(
    model: type[Household] | type[Individual],
    corrections: Sequence[Correction],
    *,
    reason: str,
    origin: Origin,
    by: StaffMember,
    at: datetime,
    needed: Needed,
) -> int:
    """Correct up to some thousand records, in the caller's transaction; how many changed. Raises `RecordChanged` when one of them
    is no longer as it was seen, and the catalogue's errors."""
    entity: Entity = "person" if model is Individual else "household"
    for each in corrections:
        catalogue.check_facts(entity, each.facts, needed)
    rows = _held(model, [each.number for each in corrections])
    wanted = {each.number: each for each in corrections}
    if len(rows) != len(wanted) or any(row.version != wanted[row.id].version for row in rows):
        raise RecordChanged("Somebody else changed these records.", [])
    changes: list[Change] = []
    written = []
    keys = vault().keys([row.key for row in rows])
    kind: Kind = "individual-change" if entity == "person" else "household-change"
    for row in rows:
        fields, facts = wanted[row.id].differences(row)
        if not fields and not facts:
            continue
        columns = fields_of(row)
        before = {name: _plain(getattr(row, columns[name])) for name in fields} | {
            name: row.facts.get(name) for name in facts
        }
        after = {name: _plain(value) for name, value in fields.items()} | dict(facts)
        changes.append(
            Change(
                individual_id=row.id if entity == "person" else None,
                household_id=None if entity == "person" else row.id,
                version=row.version + 1,
                at=at,
                by=by,
                origin=origin,
                what="corrected",
                fields=sorted(after),
                reason=reason,
                sealed=seal(keys[row.key], kind, row.id, Difference(before=before, after=after)),
            )
        )
        written.append(_written(row, fields, facts, origin))
    Change.objects.bulk_create(changes, batch_size=1_000)
    named = PERSON_FIELDS if entity == "person" else HOUSEHOLD_FIELDS
    bulk.update(model._meta.db_table, [*named.values(), "facts", "declared", "version"], written)
    return len(written)


def _held(model: type[Household] | type[Individual], numbers: Collection[int]) -> list[Household | Individual]:
    open_ones = model._default_manager.select_for_update(of=("self",)).filter(id__in=numbers, state__in=OPEN)
    return [*open_ones.defer("sealed").order_by("id")]


def _written(row: Household | Individual, fields: dict[str, Any], facts: Facts, origin: Origin) -> Sequence[bulk.Value]:
    values = [fields.get(name, getattr(row, column)) for name, column in fields_of(row).items()]
    declared = row.declared | dict.fromkeys(facts, origin.id)
    texts = [msgspec.json.encode(each).decode() for each in (row.facts | facts, declared)]
    return [*values, *texts, row.version + 1, row.id]


def _plain(value: object) -> object:
    """A field's value as a change keeps it."""
    return value if value is None else str(value)
