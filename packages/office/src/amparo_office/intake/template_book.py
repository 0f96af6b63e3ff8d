"""A workbook to fill in and import: one sheet of households, one of people; drop-downs, heads that cannot be changed, in the
member's language. The first row, hidden, holds the codes of the columns, so that it is read back whatever its language.
"""

import io
from datetime import date

import xlsxwriter
from django.utils.translation import gettext as _
from xlsxwriter.worksheet import Worksheet

from amparo_office.intake.asked import Question, questions
from amparo_office.intake.looking import MARK
from amparo_office.intake.refused import HOUSEHOLDS, INDIVIDUALS
from amparo_office.intake.targets import Definitions, Needed
from amparo_office.register.models import Area

ROWS = 5_000
_MOST_AREAS = 2_000
_LISTS = "lists"


def write_template(needed: Needed, definitions: Definitions, language: str) -> bytes:
    """The workbook for these facts."""
    whole = io.BytesIO()
    with xlsxwriter.Workbook(whole, {"in_memory": True}) as book:
        homes = book.add_worksheet(HOUSEHOLDS)
        people = book.add_worksheet(INDIVIDUALS)
        lists = _Lists(book.add_worksheet(_LISTS))
        mark = book.add_worksheet(MARK)
        mark.write_string(0, 0, MARK)
        mark.hide()
        _sheet(book, homes, questions("household", needed, definitions), lists, language)
        _sheet(book, people, questions("person", needed, definitions), lists, language)
    return whole.getvalue()


class _Lists:
    """The hidden sheet with the words of the drop-downs, one list a column."""

    def __init__(self, sheet: Worksheet) -> None:
        self._sheet, self._column = sheet, 0
        sheet.hide()

    def add(self, words: list[str]) -> str:
        """A list; the formula that names it."""
        letter = chr(ord("A") + self._column)
        for row, word in enumerate(words):
            self._sheet.write_string(row, self._column, word)
        self._column += 1
        return f"={_LISTS}!${letter}$1:${letter}${len(words)}"


def _sheet(book: xlsxwriter.Workbook, sheet: Worksheet, asked: list[Question], lists: _Lists, language: str) -> None:
    head = book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "top", "locked": True})
    text = book.add_format({"num_format": "@", "locked": False})
    day = book.add_format({"num_format": "yyyy-mm-dd", "locked": False})
    free = book.add_format({"locked": False})
    if language == "ar":
        sheet.right_to_left()
    for place, each in enumerate(asked):
        kind = day if each.kind == "date" else free if each.kind in ("number", "decimal") else text
        sheet.set_column(place, place, 22, kind)
        sheet.write_string(0, place, each.name, head)
        sheet.write_string(1, place, each.labels[language] + (" *" if each.needed else ""), head)
        sheet.write_comment(1, place, each.purpose, {"x_scale": 2})
        _validate(sheet, place, each, lists, language)
    sheet.set_row(0, None, None, {"hidden": True})
    sheet.freeze_panes(2, 1)
    sheet.protect(
        "", {"format_columns": True, "format_rows": True, "sort": True, "autofilter": True, "insert_rows": True}
    )


def _validate(sheet: Worksheet, place: int, asked: Question, lists: _Lists, language: str) -> None:
    rule: dict[str, object] | None = None
    match asked.kind:
        case "yes-no":
            rule = {"validate": "list", "source": [_("yes"), _("no")]}
        case "choice":
            rule = {"validate": "list", "source": lists.add([labels[language] for labels in asked.choices.values()])}
        case "number":
            rule = {
                "validate": "integer",
                "criteria": "between",
                "minimum": int(asked.least),
                "maximum": int(asked.most),
            }
        case "decimal":
            rule = {
                "validate": "decimal",
                "criteria": "between",
                "minimum": float(asked.least),
                "maximum": float(asked.most),
            }
        case "date":
            least = date.fromisoformat(asked.least) if asked.least else date(1900, 1, 1)
            most = date.fromisoformat(asked.most) if asked.most else date(2100, 1, 1)
            rule = {"validate": "date", "criteria": "between", "minimum": least, "maximum": most}
    if asked.target == "area":
        codes = list(Area.objects.order_by("code").values_list("code", flat=True)[: _MOST_AREAS + 1])
        rule = {"validate": "list", "source": lists.add(codes)} if 0 < len(codes) <= _MOST_AREAS else None
    if rule is not None:
        # A warning, not a wall: what is wrong is found and said when the file is checked.
        sheet.data_validation(2, place, ROWS, place, rule | {"error_type": "warning", "ignore_blank": True})
