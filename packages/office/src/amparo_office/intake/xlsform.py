"""An XLSForm for Kobo and ODK that asks exactly what published programmes need, in five languages: the household, and its members
in a repeat. It has no question for a place on the map, a photograph or a code to scan, and collects nothing about the device.
"""

import io
from typing import Protocol

import xlsxwriter
from django.utils.translation import gettext

from amparo_office.intake.asked import (
    Labels,
    Question,
    in_all,
    language_labels,
    questions,
    relation_labels,
    yes_no_labels,
)
from amparo_office.intake.targets import Definitions, Needed, own_name
from amparo_office.register.models import Area
from amparo_rules.rule import MOST_MEMBERS
from amparo_staff.layout.words import LANGUAGES

_ENGLISH = {"es": "Spanish", "en": "English", "fr": "French", "ar": "Arabic", "pt": "Portuguese"}
_MOST_AREAS = 5_000
# Kobo knows a submission by its own _uuid; the reference that joins the two sheets is made by Kobo too.
_NOT_ASKED = ("ref", "household")


def write_form(needed: Needed, definitions: Definitions, *, name: str, title: str, version: str) -> bytes:
    """The form as a workbook."""
    areas = list(Area.objects.order_by("code").values_list("code", "names")[: _MOST_AREAS + 1])
    use_areas = 0 < len(areas) <= _MOST_AREAS
    labels = [f"label::{_ENGLISH[code]} ({code})" for code in LANGUAGES]
    hints = [f"hint::{_ENGLISH[code]} ({code})" for code in LANGUAGES]
    whole = io.BytesIO()
    with xlsxwriter.Workbook(whole, {"in_memory": True}) as book:
        survey = _Table(
            book, "survey", ["type", "name", *labels, *hints, "required", "constraint", "relevant", "repeat_count"]
        )
        choices = _Table(book, "choices", ["list_name", "name", *labels])
        settings = _Table(book, "settings", ["form_title", "form_id", "version", "default_language"])
        settings.row([title, name, version, "Spanish (es)"])
        _survey(survey, needed, definitions, use_areas=use_areas)
        for list_name, entries in (
            ("yes_no", yes_no_labels()),
            ("language", language_labels()),
            ("relationship", relation_labels()),
        ):
            for code, words in entries.items():
                choices.row([list_name, code, *_each(words)])
        for code, names in areas if use_areas else []:
            fallback = next(iter(names.values()), code)
            choices.row(["area", code, *(f"{names.get(lang, fallback)} ({code})" for lang in LANGUAGES)])
    return whole.getvalue()


class _Table:
    """One sheet, row by row."""

    def __init__(self, book: xlsxwriter.Workbook, name: str, head: list[str]) -> None:
        self._sheet, self._row = book.add_worksheet(name), 0
        self.head = head
        self.row(head)

    def row(self, cells: list[str]) -> None:
        """One more row."""
        for place, text in enumerate(cells):
            if text:
                self._sheet.write_string(self._row, place, text)
        self._row += 1


def _survey(table: _Table, needed: Needed, definitions: Definitions, *, use_areas: bool) -> None:
    def add(kind: str, name: str, labels: Labels | None = None, **more: str | Labels | None) -> None:
        hints = more.get("hint")
        row = [kind, name, *_each(labels), *_each(hints if isinstance(hints, dict) else None)]
        table.row([*row, *(str(more.get(each, "")) for each in ("required", "constraint", "relevant", "repeat_count"))])

    add("note", "consent_note", in_all(_consent))
    add("begin_group", "household", in_all(lambda: gettext("Household")))
    for each in questions("household", needed, definitions):
        if each.target not in _NOT_ASKED:
            _question(add, each, use_areas=use_areas)
    add("end_group", "")
    add("begin_repeat", "member", in_all(lambda: gettext("Member of the household")))
    for each in questions("person", needed, definitions):
        if each.target not in _NOT_ASKED:
            _question(add, each, use_areas=use_areas)
    add("end_repeat", "")
    add("note", "thanks", in_all(_thanks))


def _consent() -> str:
    return gettext(
        "Read this aloud: We ask only what the programmes need to decide about aid. Nobody may ask for your party, vote,"
        " religion or opinion. You may say “I do not know” to each question. If you do not want to answer, you can still ask"
        " for aid. You can see, correct and take back what is written down."
    )


def _thanks() -> str:
    return gettext("At most %(most)s members can be written down. Read the answers back before you send them.") % {
        "most": MOST_MEMBERS
    }


class _Add(Protocol):
    """Adds a row to the survey."""

    def __call__(self, kind: str, name: str, labels: Labels | None = None, **more: str | Labels | None) -> None: ...


def _question(add: _Add, asked: Question, *, use_areas: bool) -> None:
    hint = in_all(lambda: gettext("Leave it empty if they do not know."))
    required = "yes" if asked.needed else ""
    if asked.target == "area":
        add("select_one area" if use_areas else "text", asked.name, asked.labels, hint=hint)
        return
    match asked.kind:
        case "yes-no":
            add("select_one yes_no", asked.name, asked.labels)
        case "choice":
            add(f"select_one {asked.name}", asked.name, asked.labels, required=required)
        case "number" | "decimal":
            limits = f". >= {asked.least} and . <= {asked.most}"
            kind = "integer" if asked.kind == "number" else "decimal"
            more = {"relevant": f"${{{own_name('birth')}}} = ''"} if asked.target == "age" else {}
            add(kind, asked.name, asked.labels, hint=hint, constraint=limits, **more)
        case "date":
            least, most = asked.least or "1900-01-01", asked.most
            limits = f". >= date('{least}')" + (f" and . <= date('{most}')" if most else " and . <= today()")
            add("date", asked.name, asked.labels, hint=hint, constraint=limits)
        case _:
            add("text", asked.name, asked.labels, hint=hint)


def _each(labels: Labels | None) -> list[str]:
    return [(labels or {}).get(code, "") for code in LANGUAGES]
