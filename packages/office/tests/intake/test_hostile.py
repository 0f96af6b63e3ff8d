"""Files made to harm: each is refused in words or read as the values it holds, and none takes more memory or time than its size."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amparo_office.errors import FileNotReadable
from amparo_office.intake import xlsx
from amparo_office.intake.formulas import as_meant, harmless, like_formula
from amparo_office.intake.lists_out import writer
from amparo_office.intake.sheets import MOST_COLUMNS, sheets

MB = 1024 * 1024
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
HEAD = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c><c r="B1" t="inlineStr"><is><t>age</t></is></c></row>'
)
ANA = '<row r="2"><c r="A2" t="inlineStr"><is><t>Ana</t></is></c><c r="B2"><v>40</v></c></row>'


def sheet_xml(rows: str, before: str = "") -> str:
    """A sheet's XML."""
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData></worksheet>'


SHEET = sheet_xml(HEAD + ANA)
PARTS = {
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="List" sheetId="1" r:id="r1"/></sheets>'
    "</workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r1" Type="{OFFICE}/worksheet"'
    ' Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="1"><xf numFmtId="0"/></cellXfs></styleSheet>',
    "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><t>name</t></si></sst>',
    "xl/worksheets/sheet1.xml": SHEET,
}
Part = str | bytes


def book(how: int = zipfile.ZIP_DEFLATED, /, **parts: Part) -> bytes:
    """A workbook; `parts` replaces its parts, by the last word of their names."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", how) as archive:
        for path, content in PARTS.items():
            archive.writestr(path, parts.pop(path.rpartition("/")[2].partition(".")[0], content))
    assert not parts, "a part that no workbook of these tests has"
    return whole.getvalue()


def read(name: str, data: bytes) -> list[list[str]]:
    """Everything in the file, heads first."""
    return [
        cells
        for each in sheets(name, lambda: io.BytesIO(data))
        for cells in [each.columns, *(row for _, row in each.rows())]
    ]


def endless(*pieces: tuple[bytes, int]) -> bytes:
    """Each of these so often, without holding it: a part of the size of a bomb."""
    return b"".join(piece * times for piece, times in pieces)


@contextmanager
def at_most(megabytes: int) -> Iterator[None]:
    """What is read inside takes no more memory than this."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * MB
    finally:
        tracemalloc.stop()


def test_the_workbook_that_these_tests_change_is_read() -> None:
    assert read("l.xlsx", book()) == [["name", "age"], ["Ana", "40"]]


# --- bombs ---------------------------------------------------------------------------------------------------------------

OPEN_SST, OPEN_SHEET = f'<sst xmlns="{MAIN}">'.encode(), f'<worksheet xmlns="{MAIN}"><sheetData>'.encode()
BOMBS: dict[str, Callable[[], dict[str, Part]]] = {
    "blanks between shared texts": lambda: {"sharedStrings": endless((OPEN_SST, 1), (b" " * 1024, 80 * 1024))},
    "one shared text without end": lambda: {
        "sharedStrings": endless((OPEN_SST + b"<si><t>", 1), (b"a" * 1024, 10 * 1024))
    },
    "nested shared texts": lambda: {"sharedStrings": endless((OPEN_SST, 1), (b"<si>", 2_000_000))},
    "a nested sheet": lambda: {"sheet1": endless((OPEN_SHEET, 1), (b"<row>", 2_000_000))},
    "nested unknown elements": lambda: {"sheet1": endless((OPEN_SHEET, 1), (b"<x>", 2_000_000))},
    "a nested workbook": lambda: {"workbook": endless((b"<workbook>", 2_000_000))},
    "a tag without end": lambda: {"sheet1": endless((OPEN_SHEET + b'<row r="', 1), (b"1" * 1024, 20 * 1024))},
    "a comment without end": lambda: {"sheet1": endless((OPEN_SHEET + b"<!--", 1), (b"1" * 1024, 20 * 1024))},
    "a cell without end": lambda: {
        "sheet1": endless((OPEN_SHEET + HEAD.encode() + b'<row><c t="str"><v>', 1), (b"1" * 1024, 10 * 1024))
    },
    "a sheet of blanks": lambda: {"sheet1": endless((OPEN_SHEET, 1), (b" " * 1024, 80 * 1024))},
    "millions of styles": lambda: {"styles": endless((b"<styleSheet><cellXfs>", 1), (b"<xf/>", 3_000_000))},
    "a name for each element": lambda: {"sheet1": OPEN_SHEET + b"".join(b"<n%d/>" % n for n in range(300_000))},
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_before_it_fills_the_memory(bomb: str) -> None:
    data = book(**BOMBS[bomb]())
    assert len(data) < 2 * MB
    with at_most(40), pytest.raises(FileNotReadable):
        read("l.xlsx", data)


def test_shared_texts_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = endless((OPEN_SST, 1), (b"<si><t>Ana</t></si>", 10_000), (b"</sst>", 1))
    assert len(read("l.xlsx", book(sharedStrings=many))) == 2
    monkeypatch.setattr(xlsx, "_MOST_TEXTS", 500_000)
    with pytest.raises(FileNotReadable):
        read("l.xlsx", book(sharedStrings=many))


def test_a_table_of_contents_of_many_megabytes_is_not_read() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for number in range(30_000):
            archive.writestr(f"xl/worksheets/a-sheet-with-a-long-name-{number:040}.xml", "")
    with at_most(10), pytest.raises(FileNotReadable):
        read("l.xlsx", whole.getvalue())


def test_a_billion_rows_that_are_only_promised_take_nothing() -> None:
    said = sheet_xml(HEAD + ANA, '<dimension ref="A1:XFD1000000000"/>')
    data = book(sheet1=said)
    with at_most(5):
        assert read("l.xlsx", data) == [["name", "age"], ["Ana", "40"]]


def test_a_million_empty_cells_with_a_style_are_no_rows() -> None:
    said = sheet_xml(HEAD + '<row><c s="1"/></row>' * 1_000_000 + ANA)
    assert read("l.xlsx", book(sheet1=said)) == [["name", "age"], ["Ana", "40"]]


def test_cells_far_right_of_the_head_make_no_wide_rows() -> None:
    said = sheet_xml(
        HEAD + "".join(f'<row r="{row}"><c r="XFD{row}"><v>1</v></c></row>' for row in range(2, 20_002)) + ANA
    )
    data = book(sheet1=said)
    with at_most(5):
        assert read("l.xlsx", data) == [["name", "age"], ["Ana", "40"]]


def test_too_many_columns_and_sheets_are_refused() -> None:
    wide = "".join(f'<c t="str"><v>c{n}</v></c>' for n in range(MOST_COLUMNS + 1))
    with pytest.raises(FileNotReadable):
        read("l.xlsx", book(sheet1=sheet_xml(f"<row>{wide}</row>")))
    many = "".join(f'<sheet name="s{n}" r:id="r1"/>' for n in range(200))
    with pytest.raises(FileNotReadable):
        read("l.xlsx", book(workbook=f'<workbook xmlns:r="{OFFICE}"><sheets>{many}</sheets></workbook>'))


def test_a_large_sheet_that_packs_well_is_no_bomb() -> None:
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>Ana</t></is></c><c r="B{n}"><v>{n % 90}</v></c></row>'
        for n in range(2, 100_002)
    )
    assert len(read("l.xlsx", book(sheet1=sheet_xml(HEAD + rows)))) == 100_001


# --- what XML and archives can do ----------------------------------------------------------------------------------------

LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
PARAMETER = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'


@pytest.mark.parametrize("part", ["workbook", "workbook.xml.rels", "styles", "sharedStrings", "sheet1"])
@pytest.mark.parametrize("said", [LAUGHS, OUTSIDE, PARAMETER])
@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_every_part(part: str, said: str, coding: str) -> None:
    path = next(
        each for each in PARTS if each.rpartition("/")[2].startswith(part + (".xml" if "." not in part else ""))
    )
    changed = (said + PARTS[path].replace("name", "&a;" if "!ENTITY" in said else "name")).encode(coding)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for each, content in PARTS.items():
            archive.writestr(each, changed if each == path else content)
    with pytest.raises(FileNotReadable):
        read("l.xlsx", whole.getvalue())


BROKEN: dict[str, dict[str, Part]] = {
    "an unknown coding": {"sheet1": '<?xml version="1.0" encoding="x-nothing"?>' + SHEET},
    "a coding that is none of text": {"sheet1": '<?xml version="1.0" encoding="rot13"?>' + SHEET},
    "a coding of many bytes": {"sheet1": '<?xml version="1.0" encoding="shift_jis"?>' + SHEET},
    "an entity that nobody declared": {"sheet1": SHEET.replace("Ana", "&a;")},
    "a surrogate": {"sheet1": SHEET.replace("Ana", "&#xD800;")},
    "a zero": {"sheet1": SHEET.replace("Ana", "&#0;")},
    "a shared text that is not there": {"sheet1": SHEET.replace('"B2"', '"B2" t="s"')},
    "a shared text before the first": {"sheet1": SHEET.replace('"B2"', '"B2" t="s"').replace("40", "-1")},
    "a number without end": {"sheet1": SHEET.replace('r="2"', f'r="{"9" * 5000}"')},
    "no number": {"sheet1": SHEET.replace("40", "forty")},
    "a day after the end of time": {
        "sheet1": SHEET.replace('"B2"', '"B2" s="0"').replace("40", "1e300"),
        "styles": PARTS["xl/styles.xml"].replace('numFmtId="0"', 'numFmtId="14"'),
    },
    "a style without number": {"styles": PARTS["xl/styles.xml"].replace('numFmtId="0"', 'numFmtId="x"')},
    "a column beyond the last": {"sheet1": SHEET.replace('"B2"', '"XFE2"')},
    "a column without a letter": {"sheet1": SHEET.replace('"B2"', '"2"')},
    "half a sheet": {"sheet1": SHEET[:-40]},
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_part_is_refused_in_words(fault: str) -> None:
    with pytest.raises(FileNotReadable):
        read("l.xlsx", book(**BROKEN[fault]))


@pytest.mark.parametrize("target", ["../../../etc/worksheets", "/etc/worksheets/sheet1.xml", "worksheets/\\0"])
def test_a_sheet_outside_the_workbook_is_refused(target: str) -> None:
    path = "xl/_rels/workbook.xml.rels"
    with pytest.raises(FileNotReadable):
        read("l.xlsx", _with(path, PARTS[path].replace("worksheets/sheet1.xml", target)))


def _with(path: str, content: Part) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for each, plain in PARTS.items():
            archive.writestr(each, content if each == path else plain)
    return whole.getvalue()


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_packings_that_no_workbook_has_are_refused(how: int) -> None:
    with pytest.raises(FileNotReadable):
        read("l.xlsx", book(how))


@given(st.data())
def test_no_changed_byte_ends_in_anything_but_words(data: st.DataObject) -> None:
    whole = bytearray(book(zipfile.ZIP_STORED))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    try:
        found = read("l.xlsx", bytes(whole[:cut]))
    except FileNotReadable:
        return
    assert all(isinstance(cell, str) for row in found for cell in row)


# --- macros, links, formulas ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["l.xlsm", "l.xls", "l.xltm", "l.xlsb", "l.html", "l"])
def test_a_workbook_with_macros_or_of_another_kind_is_not_read(name: str) -> None:
    with pytest.raises(FileNotReadable):
        read(name, book())


def test_macros_and_links_inside_a_workbook_are_not_looked_at() -> None:
    link = '<externalLink xmlns:r="x"><externalBook r:id="r1"/></externalLink>'
    whole = io.BytesIO(book())
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 Shell")
        archive.writestr("xl/externalLinks/externalLink1.xml", LAUGHS + link)
        archive.writestr("xl/connections.xml", OUTSIDE)
    assert read("l.xlsx", whole.getvalue()) == [["name", "age"], ["Ana", "40"]]


@pytest.mark.parametrize("target", ["http://127.0.0.1:9/worksheets/sheet1.xml", "file:///etc/worksheets"])
def test_a_sheet_that_lies_elsewhere_is_not_fetched(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr("socket.socket.connect", lambda *said: asked.append(said))
    path = "xl/_rels/workbook.xml.rels"
    said = PARTS[path].replace("worksheets/sheet1.xml", target).replace("/></Rel", ' TargetMode="External"/></Rel')
    with pytest.raises(FileNotReadable):
        read("l.xlsx", _with(path, said))
    assert asked == []


@pytest.mark.parametrize(
    ("cell", "read_as"),
    [
        ("<c r='B2'><f>1+1</f><v>2</v></c>", "2"),
        ("<c r='B2' t='str'><f>HYPERLINK(\"http://x\",\"y\")</f><v>y</v></c>", "y"),
        ("<c r='B2'><f>cmd|' /C calc'!A0</f></c>", ""),
        ("<c r='B2' t='e'><f>1/0</f><v>#DIV/0!</v></c>", ""),
        ("<c r='B2' t='inlineStr'><is><t>=1+1</t></is></c>", "=1+1"),
    ],
)
def test_a_formula_is_never_computed_only_what_was_stored_with_it_is_read(cell: str, read_as: str) -> None:
    name = '<row r="2"><c r="A2" t="inlineStr"><is><t>Ana</t></is></c>'
    said = book(sheet1=sheet_xml(f"{HEAD}{name}{cell}</row>"))
    _, row = read("l.xlsx", said)
    assert [*row, ""][:2] == ["Ana", read_as]


# --- CSV -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"ref,name\n1,An\x00a\n",
        "ref,name\n1,Ana\n".encode("utf-16-le"),
        "ref,name\n1,Ana\n".encode("utf-16"),
        b"ref,name\n1,Ana\n" + "2,José\n".encode("latin-1"),
        b"ref,name\n1,Ana\n" + "2,José\n".encode("utf-16-le"),
        b"\xff\xfe\x00\x00",
        b"ref,name\n1,\xc0\xaf\n",
        b"ref,name\n1," + b"A" * 10 * MB + b"\n",
        b'ref,name\n1,"' + b"A\n" * 5 * MB + b'"\n',
        b"ref,name\n1,Ana" + b"," * 10 * MB,
        b"ref" + b",c" * 3_000,
    ],
    ids=lambda data: f"{data[:16]!r} {len(data)}",
)
def test_csv_with_zeros_mixed_codings_or_endless_cells_is_refused_in_words(data: bytes) -> None:
    with at_most(60), pytest.raises(FileNotReadable) as refused:
        read("l.csv", data)
    assert "Traceback" not in refused.value.what


def test_a_cell_as_long_as_a_spreadsheet_allows_is_read() -> None:
    long = "ñ" * 32_767
    assert read("l.csv", f"ref,name\n1,{long}\n".encode())[1] == ["1", long]
    assert read("l.xlsx", book(sheet1=SHEET.replace("Ana", long)))[1][0] == long


# --- formulas on the way out ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+58 412",
        "-2",
        "@SUM(A1)",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "'=1",
        "''=1",
        " =1+1",
        "=cmd|' /C calc'!A0",
        "'",
        "O'Ana",
    ],
)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_text_like_a_formula_leaves_harmless_and_comes_back_as_it_was(form: str, text: str) -> None:
    whole = io.BytesIO()
    out = writer(form, whole)
    out.row(["name", "age"])
    out.row([text, "x"])
    out.close()
    if form == "csv":
        written = whole.getvalue().decode("utf-8-sig").split("\r\n")[1]
        assert not like_formula(written.lstrip('"'))
    assert read(f"l.{form}", whole.getvalue()) == [["name", "age"], [text.strip(), "x"]]


@given(st.text())
@example("'\t=1")
@example("\r\n@x")
def test_what_is_written_for_any_text_is_no_formula_and_means_that_text(text: str) -> None:
    assert not like_formula(harmless(text))
    assert as_meant(harmless(text)) == text


@pytest.mark.parametrize("text", ["a\ufffeb", "a\uffffb", "a\x00b", "a\x0bb", "a\ud800b"])
def test_signs_that_xml_cannot_hold_do_not_break_a_workbook(text: str) -> None:
    whole = io.BytesIO()
    out = writer("xlsx", whole)
    out.row([text])
    out.close()
    assert read("l.xlsx", whole.getvalue()) == [["ab"]]
