"""Correcting many records at once, as a file says: written as the correction of a single one is, with version, who, why, and what
stood there before. Names, papers, telephone and address are not corrected this way: they are opened one by one, for a purpose.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from amparo_office.programmes import Needed
from amparo_office.register import bulk, catalogue
from amparo_office.register.models import Change, Household, Individual, Origin, RecordState
from amparo_office.register.rules import Facts
from amparo_office.register.sealing import Difference, Kind, seal
from amparo_office.register.vault import vault
from amparo_rules.catalogue import Entity
from amparo_staff.accounts.models import StaffMember

OPEN = (RecordState.NEW.value, RecordState.VALIDATED.value, RecordState.PAUSED.value)
# Columns of a change, beside that of its record.
CHANGE = ("version", "at", "by_id", "origin_id", "what", "fields", "reason", "sealed")
# Field of a change -> column. Besides facts, nothing else is corrected this way.
HOUSEHOLD_FIELDS = {"area": "area_id", "language": "language", "by_phone": "by_phone"}
PERSON_FIELDS = {"relationship": "relationship", "birth_precision": "birth_precision"}


class Correction(msgspec.Struct, frozen=True):
    """What is to stand in one record: fields of `HOUSEHOLD_FIELDS` or `PERSON_FIELDS`, and facts."""

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
    corrections: Sequence[tuple[Household | Individual, Correction]],
    *,
    reason: str,
    origin: Origin,
    by: StaffMember,
    at: datetime,
    needed: Needed,
) -> int:
    """Correct up to some thousand open records that the caller holds for update, in the caller's transaction; how many changed.
    Raises the catalogue's errors."""
    entity: Entity = "person" if model is Individual else "household"
    for _, each in corrections:
        catalogue.check_facts(entity, each.facts, needed)
    changes: list[Sequence[bulk.Value]] = []
    written = []
    keys = vault().keys([row.key for row, _ in corrections])
    kind: Kind = "individual-change" if entity == "person" else "household-change"
    when, who = bulk.told(Change, "at", at), bulk.told(Change, "by_id", by.id)
    for row, each in corrections:
        fields, facts = each.differences(row)
        if not fields and not facts:
            continue
        columns = fields_of(row)
        before = {name: _plain(getattr(row, columns[name])) for name in fields} | {
            name: row.facts.get(name) for name in facts
        }
        after = {name: _plain(value) for name, value in fields.items()} | dict(facts)
        sealed = seal(keys[row.key], kind, row.id, Difference(before=before, after=after))
        named = bulk.json_text(sorted(after))
        changes.append((row.id, row.version + 1, when, who, origin.id, "corrected", named, reason, sealed))
        written.append(_written(row, fields, facts, origin))
    bulk.insert(Change._meta.db_table, (f"{model._meta.model_name}_id", *CHANGE), changes)
    named_columns = (PERSON_FIELDS if entity == "person" else HOUSEHOLD_FIELDS).values()
    bulk.update(model, [*named_columns, "facts", "declared", "version"], written)
    return len(written)


def _written(row: Household | Individual, fields: dict[str, Any], facts: Facts, origin: Origin) -> Sequence[bulk.Value]:
    values = [fields.get(name, getattr(row, column)) for name, column in fields_of(row).items()]
    declared = row.declared | dict.fromkeys(facts, origin.id)
    texts = [bulk.json_text(each) for each in (row.facts | facts, declared)]
    return [*values, *texts, row.version + 1, row.id]


def _plain(value: object) -> object:
    """A field's value as a change keeps it."""
    return value if value is None else str(value)
