"""One person's whole record as a file they can take home: a page to read and the same as JSON, in one ZIP.

It holds what the register knows about them: names, numbers, facts with purpose, source, day and how long they are kept, changes
with what stood there before, and every reading. Decisions are not here: they are receipts, which the person has. No name stands
in the name of a file.
"""

import io
import zipfile
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.template.loader import render_to_string
from django.utils import translation

from amparo_office.register import catalogue, said
from amparo_office.register.access import PURPOSES, accesses_of, read_individual
from amparo_office.register.models import Access, Change, Individual, Origin
from amparo_office.register.sealing import Difference, Identity, open_difference
from amparo_office.register.vault import vault
from amparo_office.register.views import field_words
from amparo_rules.catalogue import FactDefinition
from amparo_staff.accounts.models import StaffMember

LANGUAGES = ("es", "en", "fr", "ar", "pt")


class FactLine(msgspec.Struct, frozen=True):
    """One fact: its label, its value as people read it, why it is kept, where it comes from, and until when."""

    name: str
    label: str
    value: str
    purpose: str
    source: str
    day: str
    kept: str


class ChangeLine(msgspec.Struct, frozen=True):
    """One change of the record."""

    at: str
    by: str
    reason: str
    source: str
    before: dict[str, Any]
    after: dict[str, Any]

    def said_before(self) -> str:
        """What stood there before, as people read it."""
        return self._said(0)

    def said_after(self) -> str:
        """What stands there since, as people read it."""
        return self._said(1)

    def _said(self, side: int) -> str:
        both = {
            name: said.both_sides(name, self.before, self.after, entity="person") for name in self.before | self.after
        }
        return "; ".join(f"{field_words(name)}: {both[name][side]}" for name in sorted(both))


class AccessLine(msgspec.Struct, frozen=True):
    """One reading of the record, or an attempt that was refused."""

    at: str
    by: str
    purpose: str
    kinds: list[str]
    refused: bool
    everybody: bool


class Record(msgspec.Struct, frozen=True):
    """Everything that the register holds about one person."""

    ref: str
    household: str | None
    state: str
    relationship: str
    area: str
    birth_precision: str
    written: str
    identity: Identity
    facts: list[FactLine]
    changes: list[ChangeLine]
    accesses: list[AccessLine]
    v: int = 1


def write(individual_id: int, *, by: StaffMember | None, at: datetime, language: str = "") -> bytes:
    """The ZIP with `record.html` and `record.json`, in the person's language unless another is asked for. It is itself a reading
    that the person's next file shows. Raises like `access.read_individual`."""
    record, spoken = collect(individual_id, by=by, at=at, language=language)
    with translation.override(spoken):
        page = render_to_string(
            "register/person_file.html", {"record": record, "language": spoken, "rtl": spoken == "ar"}
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        for name, content in (("record.html", page.encode()), ("record.json", _json(record))):
            files.writestr(zipfile.ZipInfo(name, at.timetuple()[:6]), content)
    return packed.getvalue()


def collect(individual_id: int, *, by: StaffMember | None, at: datetime, language: str = "") -> tuple[Record, str]:
    """The record, and the language in which it is written."""
    view = read_individual(individual_id, by=by, purpose="person-file", at=at)
    row = Individual.objects.select_related("origin").get(id=individual_id)
    identity = view.identity or Identity()
    spoken = next((each for each in (language, identity.language) if each in LANGUAGES), "es")
    with translation.override(spoken):
        record = Record(
            ref=view.ref,
            household=view.household_ref,
            state=view.state,
            relationship=view.relationship,
            area=view.area,
            birth_precision=view.birth_precision,
            written=at.isoformat(timespec="seconds"),
            identity=identity,
            facts=_facts(row, spoken),
            changes=_changes(row) if view.identity is not None else [],
            accesses=[_access(each) for each in accesses_of(individual_id)],
        )
    return record, spoken


def _json(record: Record) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=2)


def _facts(row: Individual, language: str) -> list[FactLine]:
    known = catalogue.known()
    origins = {each.id: each for each in Origin.objects.filter(id__in=[row.origin_id, *row.declared.values()])}
    return [
        _fact(known["person", name], value, origins[row.declared.get(name, row.origin_id)], row, language)
        for name, value in sorted(row.facts.items())
        if ("person", name) in known
    ]


def _fact(definition: FactDefinition, value: int | None, origin: Origin, row: Individual, language: str) -> FactLine:
    shown = definition.type.show(value)
    until = f"+{definition.retention_days} d"
    if row.left_on is not None:
        until = (row.left_on + timedelta(days=definition.retention_days)).isoformat()
    return FactLine(
        name=definition.name,
        label=definition.label.get(language, definition.label["en"]),
        value="" if shown is None else str(shown),
        purpose=definition.purpose,
        source=origin.source,
        day=origin.day.isoformat(),
        kept=until,
    )


def _changes(row: Individual) -> list[ChangeLine]:
    key = vault().key(row.key)
    rows = Change.objects.filter(individual=row).select_related("by", "origin").order_by("version")
    return [_change(each, _difference(each, row, key)) for each in rows]


def _difference(change: Change, row: Individual, key: Any) -> Difference:
    if change.sealed is None:
        return Difference(before={}, after={})
    return open_difference(key, "individual-change", row.id, change.sealed)


def _change(change: Change, difference: Difference) -> ChangeLine:
    return ChangeLine(
        at=change.at.isoformat(timespec="seconds"),
        by=change.by.name if change.by else "",
        reason=said.reason_words(change.reason),
        source=change.origin.source,
        before=difference.before,
        after=difference.after,
    )


def _access(access: Access) -> AccessLine:
    purpose = PURPOSES.get(access.purpose)
    return AccessLine(
        at=access.at.isoformat(timespec="seconds"),
        by=access.by.name if access.by else "",
        purpose=access.purpose if purpose is None else str(purpose.words),
        kinds=list(access.kinds),
        refused=access.refused,
        everybody=access.everybody,
    )
