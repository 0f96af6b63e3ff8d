"""Checking somebody else's form (XLSForm) before it is used: what it would ask that may never be recorded, in five languages,
and what is outside the catalogue. Row by row, nothing is stored (R2).
"""

from collections.abc import Iterator

import msgspec
from django.utils.translation import gettext as _

from amparo_office.errors import FileNotReadable
from amparo_office.intake.sheets import Opener, Sheet, sheets
from amparo_office.intake.targets import CONCEPT_WORDS, HOUSEHOLD_WORDS, PERSON_WORDS, Definitions, fact_code, guess
from amparo_rules.forbidden import forbidden_concept

# Question types that collect a place, a picture, a code, or something about the device.
_NEVER = frozenset(
    [
        "geopoint",
        "geotrace",
        "geoshape",
        "start-geopoint",
        "image",
        "audio",
        "video",
        "file",
        "barcode",
        "background-audio",
        "audit",
        "deviceid",
        "subscriberid",
        "simserial",
        "phonenumber",
        "username",
        "email",
    ]
)
_NO_ANSWER = frozenset(
    ["note", "begin_group", "end_group", "begin_repeat", "end_repeat", "calculate", "hidden", "start", "end", "today"]
)
_TEXTS = ("label", "hint", "name", "guidance_hint", "constraint_message")


class Finding(msgspec.Struct, frozen=True):
    """One thing about one row. `bad`: it may not be asked; otherwise the answer would not be taken in."""

    sheet: str
    row: int
    name: str
    bad: bool
    words: str


class FormReport(msgspec.Struct, frozen=True):
    """What was found; `questions` is how many were looked at."""

    questions: int
    findings: list[Finding]


def check_form(name: str, opener: Opener, definitions: Definitions) -> FormReport:
    """Look at a form. Raises `FileNotReadable`."""
    found = {sheet.name.casefold(): sheet for sheet in sheets(name, opener)}
    survey = found.get("survey")
    if survey is None:
        raise FileNotReadable("This is no form.", todo=_("Send an XLSForm: a workbook with the sheet “survey”."))
    allowed = {*HOUSEHOLD_WORDS, *PERSON_WORDS, *(fact_code(*key) for key in definitions)}
    count, findings = 0, list[Finding]()
    for number, cells in _rows(survey):
        kind = " ".join(cells.get("type", "").split()).casefold().replace("begin group", "begin_group")
        kind = (
            kind.replace("begin repeat", "begin_repeat")
            .replace("end group", "end_group")
            .replace("end repeat", "end_repeat")
        )
        if not kind:
            continue
        first = kind.split(" ")[0]
        count += first not in _NO_ANSWER
        findings += _of_row(survey.name, number, cells, first, allowed, definitions)
    choices = found.get("choices")
    if choices is not None:
        for number, cells in _rows(choices):
            findings += _forbidden(choices.name, number, cells)
    return FormReport(count, findings)


def _of_row(
    sheet: str, number: int, cells: dict[str, str], kind: str, allowed: set[str], definitions: Definitions
) -> Iterator[Finding]:
    name = cells.get("name", "")
    if kind in _NEVER:
        words = _("Questions of the kind “%(kind)s” are never asked: they record a place, a picture or a device.")
        yield Finding(sheet, number, name, True, words % {"kind": kind})
        return
    # A note asks nothing: it may say that nobody asks for religion.
    refused = list(_forbidden(sheet, number, {"name": name} if kind == "note" else cells))
    yield from refused
    if refused or kind in _NO_ANSWER:
        return
    columns = [name, *(text for key, text in cells.items() if key.startswith("label") and text)]
    if not guess(columns, person=None, allowed=allowed, definitions=definitions):
        yield Finding(sheet, number, name, False, _("This is not in the catalogue. The answer is not taken in."))


def _forbidden(sheet: str, number: int, cells: dict[str, str]) -> Iterator[Finding]:
    for key, text in cells.items():
        concept = forbidden_concept(text) if text and key.split(":")[0] in _TEXTS else None
        if concept is not None:
            words = _("This speaks of %(concept)s, which is never recorded. Aid must not depend on it.")
            yield Finding(sheet, number, cells.get("name", ""), True, words % {"concept": CONCEPT_WORDS[concept]})
            return


def _rows(sheet: Sheet) -> Iterator[tuple[int, dict[str, str]]]:
    keys = [column.casefold() for column in sheet.columns]
    for number, cells in sheet.rows():
        yield number, dict(zip(keys, cells, strict=False))
