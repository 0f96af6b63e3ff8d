"""Uploaded files as rows: every kind of file says the same, and a broken one is refused in words."""

import io
import random
import struct
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo_office.errors import FileNotReadable, MappingNotReadable
from amparo_office.tables import read_table

# What the sheet in every kind of file says, as texts; row 3 of the file is empty.
COLUMNS = ["id", "name", "income", "born", "poor"]
CELLS: list[list[Any]] = [
    [7, " Ñandú ", 12.5, date(1990, 1, 2), True],
    [None, None, None, None, None],
    [1_000_000, "آنا", 0.1 + 0.2, None, False],
]
SAID = [
    (2, {"id": "7", "name": "Ñandú", "income": "12.5", "born": "1990-01-02", "poor": "yes"}),
    (4, {"id": "1000000", "name": "آنا", "income": "0.3", "born": "", "poor": "no"}),
]


def rows(name: str, data: bytes, *columns: str) -> list[tuple[int, dict[str, str]]]:
    """The wanted columns of a file."""
    return list(read_table(name, data).rows(set(columns or COLUMNS)))


def csv(mark: str) -> bytes:
    lines = [COLUMNS, ["7", " Ñandú ", "12.5", "1990-01-02", "yes"], [""] * 5, ["1000000", "آنا", "0.3", "", "no"]]
    return "".join(mark.join(line) + "\n" for line in lines).encode()


def xlsx(*sheets: list[list[Any]]) -> bytes:
    """A workbook, written by openpyxl and not by what reads it here."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, cells in enumerate(sheets):
        sheet = book.create_sheet(f"sheet {number}")
        for row in cells:
            sheet.append(row)
    with io.BytesIO() as file:
        book.save(file)
        return file.getvalue()


WORKBOOK = xlsx([COLUMNS, *CELLS])

# Stata's format 114 (help dta_114), little-endian: type code, way to pack it, its missing value, display format.
STATA = {
    "byte": (251, "<b", b"\x65", "%8.0g"),
    "long": (253, "<i", struct.pack("<i", 2_147_483_621), "%12.0g"),
    "day": (253, "<i", struct.pack("<i", 2_147_483_621), "%td"),
    "double": (255, "<d", struct.pack("<Q", 0x7FE0_0000_0000_0000), "%9.0g"),
}


def stata(columns: dict[str, tuple[str | int, list[Any]]]) -> bytes:
    """A Stata file of format 114: a number as type means text of so many bytes. `pyreadstat` writes data frames only, and
    no library for those is installed."""
    kinds = [kind for kind, _ in columns.values()]
    count = len(next(iter(columns.values()))[1])
    parts = [struct.pack("<BBBBHI", 114, 2, 1, 0, len(kinds), count), bytes(81 + 18)]
    parts.append(bytes(kind if isinstance(kind, int) else STATA[kind][0] for kind in kinds))
    parts += [name.encode().ljust(33, b"\0") for name in columns]
    parts.append(bytes(2 * (len(kinds) + 1)))
    parts += [(b"%9s" if isinstance(kind, int) else STATA[kind][3].encode()).ljust(49, b"\0") for kind in kinds]
    parts.append(bytes((33 + 81) * len(kinds) + 5))
    for place in range(count):
        for kind, values in columns.values():
            if isinstance(kind, int):
                parts.append(values[place].encode("latin-1").ljust(kind, b"\0"))
            elif values[place] is None:
                parts.append(STATA[kind][2])
            else:
                parts.append(struct.pack(STATA[kind][1], values[place]))
    return b"".join(parts)


SURVEY = stata(
    {
        "id": ("long", [7, None, 1_000_000]),
        "name": (12, [" Ana ", "", "x"]),
        "income": ("double", [12.5, None, 0.1 + 0.2]),
        "born": ("day", [(date(1990, 1, 2) - date(1960, 1, 1)).days, None, None]),
        "poor": ("byte", [1, None, 0]),
    }
)


@pytest.mark.parametrize("mark", [",", ";"])
@pytest.mark.parametrize("change", [lambda text: text, lambda text: b"\xef\xbb\xbf" + text], ids=["plain", "BOM"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_csv_file_is_read_with_either_mark_with_and_without_bom(
    mark: str, change: Callable[[bytes], bytes], ends: bytes
) -> None:
    assert rows("homes.CSV", change(csv(mark)).replace(b"\n", ends)) == SAID


def test_a_workbook_says_the_same_as_a_csv_file() -> None:
    assert rows("homes.xlsx", WORKBOOK) == SAID


def test_a_stata_file_says_the_same_as_a_csv_file() -> None:
    first, second = rows("homes.dta", SURVEY)
    assert first == (2, SAID[0][1] | {"name": "Ana", "poor": "1"})
    assert second == (4, SAID[1][1] | {"name": "x", "poor": "0"})


def test_quoted_cells_hold_the_mark_and_line_ends() -> None:
    data = b'id;"the name";c\n1;"a;b\nc";2,5\n'
    assert rows("a.csv", data, "id", "the name", "c") == [(2, {"id": "1", "the name": "a;b\nc", "c": "2,5"})]


def test_blanks_around_cells_do_not_count_in_any_kind_of_file() -> None:
    for name, data in (
        ("a.csv", b"id , yes\n 1 ,\t si \n"),
        ("a.xlsx", xlsx([["id ", " yes"], [" 1 ", "\tsi "]])),
        ("a.dta", stata({"id": (4, [" 1 "]), "yes": (6, ["\tsi "])})),
    ):
        assert rows(name, data, "id", "yes") == [(2, {"id": "1", "yes": "si"})], name


def test_columns_are_found_by_name_in_any_order_and_others_are_left() -> None:
    data = b"secret,b,a\nx,2,1\n"
    assert rows("a.csv", data, "a", "b") == [(2, {"a": "1", "b": "2"})]


def test_a_short_row_has_empty_cells_at_its_end() -> None:
    assert rows("a.csv", b"a,b,c\n1\n", "a", "b", "c") == [(2, {"a": "1", "b": "", "c": ""})]


@pytest.mark.parametrize("row", ["1,2,3", "1,,3", "1,12,50,"])
def test_a_row_with_more_cells_than_columns_is_refused_with_its_number(row: str) -> None:
    table = read_table("a.csv", f"a,b\n0,0\n{row}\n".encode())
    with pytest.raises(FileNotReadable, match="row 3"):
        list(table.rows({"a", "b"}))
    assert rows("a.csv", b"a,b\n1,2,,\n", "a", "b") == [(2, {"a": "1", "b": "2"})]


def test_a_sheet_is_chosen_by_its_name() -> None:
    book = xlsx([["a"], [1]], [["a"], [2]])
    assert [row for _, row in read_table("b.xlsx", book, sheet="sheet 1").rows({"a"})] == [{"a": "2"}]
    with pytest.raises(FileNotReadable, match="sheet"):
        read_table("b.xlsx", book, sheet="sheet 9")


def test_a_time_of_day_in_a_workbook_is_kept_so_that_a_date_fact_refuses_it() -> None:
    book = xlsx([["a", "b"], [datetime(1991, 2, 3), datetime(1991, 2, 3, 4, 5)]])  # noqa: DTZ001 - as a workbook has it
    assert rows("b.xlsx", book, "a", "b") == [(2, {"a": "1991-02-03", "b": "1991-02-03 04:05:00"})]


def test_a_missing_or_doubled_column_is_named() -> None:
    table = read_table("a.csv", b"a,b,b\n1,2,3\n")
    with pytest.raises(MappingNotReadable, match="no column “c”"):
        table.require({"a", "c"})
    with pytest.raises(MappingNotReadable, match="“b” twice"):
        table.require({"b"})
    table.require({"a"})


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b""),
        ("a.csv", "año".encode("latin-1")),
        ("a.csv", "a,b".encode("utf-16")),
        ("a.xlsx", b""),
        ("a.xlsx", b"PK\x03\x04"),
        ("a.xlsx", WORKBOOK[:-30]),
        ("a.xlsx", xlsx([[]])),
        ("a.dta", b""),
        ("a.dta", b"<stata_dta><header><release>118"),
        ("a.dta", SURVEY[:-1]),
        ("a.ods", WORKBOOK),
        ("a", b"a,b\n1,2\n"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_no_such_file_is_refused_in_words(name: str, data: bytes) -> None:
    with pytest.raises(FileNotReadable) as found:
        list(read_table(name, data).rows(set()))
    assert len(str(found.value).split()) > 8


def test_a_large_text_is_checked_whole_before_a_row_is_read() -> None:
    # Three bytes a line, so that one of the letters lies across the end of the first megabyte.
    large = b"ab\n" + "ñ\n".encode() * 500_000
    assert sum(1 for _, row in read_table("a.csv", large).rows({"ab"}) if row == {"ab": "ñ"}) == 500_000
    with pytest.raises(FileNotReadable, match="UTF-8"):
        read_table("a.csv", large + b"\xf1\n")
    with pytest.raises(FileNotReadable, match="UTF-8"):
        read_table("a.csv", large + "ñ".encode()[:1])


def test_an_open_quote_is_refused_when_it_is_met() -> None:
    table = read_table("a.csv", b'a,b\n1,2\n"3,4\n')
    with pytest.raises(FileNotReadable, match="line"):
        list(table.rows({"a"}))


@pytest.mark.parametrize("promised", [4, 1_000_000, 2**31 - 1, 2**32 - 1])
def test_a_stata_file_that_promises_more_rows_than_it_holds_is_refused_before_room_is_made(promised: int) -> None:
    assert struct.unpack_from("<I", SURVEY, 6) == (3,)
    broken = SURVEY[:6] + struct.pack("<I", promised) + SURVEY[10:]
    with pytest.raises(FileNotReadable):
        read_table("a.dta", broken)


def test_a_stata_day_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(FileNotReadable):
        read_table("a.dta", stata({"born": ("day", [2_000_000_000])}))


@pytest.mark.parametrize(("name", "good"), [("a.csv", csv(";")), ("a.xlsx", WORKBOOK), ("a.dta", SURVEY)])
def test_a_damaged_file_is_read_or_refused_and_nothing_else(name: str, good: bytes) -> None:
    pick = random.Random(7)
    refused = 0
    for _ in range(300):
        data = bytearray(good[: pick.randrange(len(good))] if pick.random() < 0.4 else good)
        for _ in range(pick.choice([0, 1, 4])):
            if data:
                data[pick.randrange(len(data))] = pick.randrange(256)
        try:
            table = read_table(name, bytes(data))
            list(table.rows({column for column in table.columns if table.columns.count(column) == 1}))
        except FileNotReadable:
            refused += 1
    assert refused > 30


words = st.text(st.characters(exclude_categories=["C"], exclude_characters='"'), max_size=12).map(str.strip)


@given(st.lists(st.lists(words, min_size=2, max_size=2).filter(any), max_size=5))
def test_what_is_written_quoted_is_read_back(table: list[list[str]]) -> None:
    text = "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in [["a", "b"], *table])
    found = rows("a.csv", text.encode(), "a", "b")
    assert found == [(place, {"a": row[0], "b": row[1]}) for place, row in enumerate(table, start=2)]
