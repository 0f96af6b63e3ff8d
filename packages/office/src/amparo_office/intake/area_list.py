"""Taking in the list of administrative areas: OCHA's tables of P-codes (COD-AB) as they are published, or one with the columns
code, parent and name.

All of a file or nothing. Areas that are there get the file's names; none is removed, because households and roles lie in it. A code
begins with the code of the area around it: who may work in an area may work in all whose codes begin with its code.
"""

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec
from django.db import transaction

from amparo_office.errors import AreasRefused
from amparo_office.intake.sheets import Sheet
from amparo_office.register.models import Area
from amparo_staff.accounts.models import StaffMember
from amparo_staff.trail.service import note

LANGUAGES = frozenset({"es", "en", "fr", "ar", "pt"})
MOST_FAULTS = 100
LONGEST_NAME = 120
# ISO 3166-1 in two letters, then digits or letters: VE, VE01, VE0101.
_CODE = re.compile(r"[A-Z]{2}[A-Z0-9]{0,30}")
_LEVEL_CODE = re.compile(r"adm(?:in)?(\d)_?p?code")
_LEVEL_NAME = re.compile(r"adm(?:in)?(\d)(?:_?name)?_?([a-z]{2})?")
_PLAIN_NAME = re.compile(r"name(?:_([a-z]{2}))?")


class NewArea(msgspec.Struct):
    """An area of a file. `parent` is "" for a country; `names` by language."""

    code: str
    parent: str
    names: dict[str, str]


class AreaFault(msgspec.Struct, frozen=True):
    """A row that cannot be taken. `reason` is a code of `REASONS` (`views_areas`)."""

    sheet: str
    row: int
    value: str
    reason: str


class AreaCounts(msgspec.Struct, frozen=True):
    """What a file brought."""

    new: int
    renamed: int
    same: int


class _Columns(msgspec.Struct, frozen=True):
    """Which column of a sheet says what: by level the place of the code and the places of names by language."""

    codes: dict[int, int]
    names: dict[int, dict[str, int]]
    parent: int | None = None


def read_areas(sheets: Iterable[Sheet]) -> tuple[list[NewArea], list[AreaFault]]:
    """The areas of a file, those around others first, and what is wrong with it. Raises `AreasRefused` when no sheet has codes."""
    found: dict[str, NewArea] = {}
    faults: list[AreaFault] = []
    any_codes = False
    for sheet in sheets:
        columns = _columns(sheet.columns)
        if columns.codes:
            any_codes = True
            for row, cells in sheet.rows():
                _read_row(sheet.name, row, cells, columns, found, faults)
    if not any_codes:
        raise AreasRefused("No column of this file holds codes of areas.")
    known = dict(Area.objects.values_list("code", "parent_id"))
    for area in found.values():
        if area.parent and area.parent not in found and area.parent not in known:
            faults.append(AreaFault("", 0, area.code, "parent-unknown"))
        elif area.code in known and (known[area.code] or "") != area.parent:
            faults.append(AreaFault("", 0, area.code, "moved"))
    return sorted(found.values(), key=lambda area: (len(area.code), area.code)), faults[:MOST_FAULTS]


def _columns(headers: list[str]) -> _Columns:
    codes: dict[int, int] = {}
    names: dict[int, dict[str, int]] = {}
    parent: int | None = None
    for place, header in enumerate(headers):
        name = header.strip().casefold().replace(" ", "_")
        if level := _LEVEL_CODE.fullmatch(name):
            codes[int(level[1])] = place
        elif named := _LEVEL_NAME.fullmatch(name):
            names.setdefault(int(named[1]), {}).setdefault(_language(named[2]), place)
        elif name in ("code", "pcode", "p-code"):
            codes.setdefault(-1, place)
        elif name in ("parent", "parent_code", "parent_pcode"):
            parent = place
        elif plain := _PLAIN_NAME.fullmatch(name):
            names.setdefault(-1, {}).setdefault(_language(plain[1]), place)
    return _Columns(codes, names, parent)


def _language(code: str | None) -> str:
    return code if code in LANGUAGES else "en"


def _read_row(
    sheet: str, row: int, cells: list[str], columns: _Columns, found: dict[str, NewArea], faults: list[AreaFault]
) -> None:
    def cell(place: int | None) -> str:
        return "" if place is None or place >= len(cells) else cells[place].strip()

    around = cell(columns.parent).upper()
    for level in sorted(columns.codes):
        code = cell(columns.codes[level]).upper()
        if not code:
            continue
        names = {language: text for language, place in columns.names.get(level, {}).items() if (text := cell(place))}
        reason = _fault(code, around, names, found.get(code))
        if reason:
            faults.append(AreaFault(sheet, row, code[:60], reason))
            return
        found.setdefault(code, NewArea(code, around, {})).names.update(names)
        around = code


def _fault(code: str, around: str, names: dict[str, str], before: NewArea | None) -> str:
    if not _CODE.fullmatch(code):
        return "code"
    if around and (code == around or not code.startswith(around)):
        return "prefix"
    if any(len(name) > LONGEST_NAME for name in names.values()):
        return "name"
    if before is not None and before.parent != around:
        return "twice"
    return ""


def take_in(areas: list[NewArea], *, by: StaffMember | None, at: datetime) -> AreaCounts:
    """Keep these areas, as `read_areas` gave them."""
    with transaction.atomic():
        known = {area.code: area for area in Area.objects.select_for_update()}
        levels = {code: area.level for code, area in known.items()}
        new, renamed = [], []
        for area in areas:
            old = known.get(area.code)
            if old is None:
                levels[area.code] = levels[area.parent] + 1 if area.parent else 0
                row = Area(code=area.code, level=levels[area.code], parent_id=area.parent or None, names=area.names)
                new.append(row)
            elif old.names != (names := {**old.names, **area.names}):
                old.names = names
                renamed.append(old)
        Area.objects.bulk_create(new, batch_size=1_000)
        Area.objects.bulk_update(renamed, ["names"], batch_size=500)
        counts = AreaCounts(len(new), len(renamed), len(areas) - len(new) - len(renamed))
        note("register.areas", by=by, at=at, details={"new": counts.new, "renamed": counts.renamed})
    return counts
