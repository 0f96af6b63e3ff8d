"""The list of areas: OCHA's tables of P-codes as published, or a plain one; all of it or nothing."""

import io

import openpyxl  # type: ignore[import-untyped] # brings no types
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from packages.office.tests.intake.conftest import NOON
from tests.servers.desk import member

from amparo_office.errors import AreasRefused
from amparo_office.intake.area_list import AreaCounts, AreaFault, NewArea, read_areas, take_in
from amparo_office.intake.sheets import sheets
from amparo_office.register.models import Area
from amparo_staff.accounts.roles import Role
from amparo_staff.trail.models import TrailEntry

PLAIN = "code,parent,name\nXA,,Land\nXA01,XA,North\nXA0101,XA01,Town\n"
OCHA = "ADM2_ES,ADM2_REF,ADM2_PCODE,ADM1_ES,ADM1_PCODE,ADM0_EN,ADM0_ES,ADM0_PCODE,date\n"
ROW = "El Olivo,,XA0101,Norte,XA01,Land,País,XA,2026-01-01\n"


def read(text: str, name: str = "areas.csv") -> tuple[list[NewArea], list[AreaFault]]:
    return read_areas(sheets(name, lambda: io.BytesIO(text.encode())))


def kept(text: str) -> AreaCounts:
    found, faults = read(text)
    assert faults == []
    return take_in(found, by=None, at=NOON)


def tree() -> list[tuple[str, int, str | None, dict[str, str]]]:
    return list(Area.objects.order_by("code").values_list("code", "level", "parent_id", "names"))


def test_a_plain_list_is_taken_in_and_a_second_time_changes_nothing(desk_database: str) -> None:
    assert kept(PLAIN) == AreaCounts(new=3, renamed=0, same=0)
    before = tree()
    assert before == [
        ("XA", 0, None, {"en": "Land"}),
        ("XA01", 1, "XA", {"en": "North"}),
        ("XA0101", 2, "XA01", {"en": "Town"}),
    ]
    assert kept(PLAIN) == AreaCounts(new=0, renamed=0, same=3)
    assert tree() == before


@pytest.mark.parametrize(
    "header",
    [
        OCHA,
        "admin2Name_es,admin2RefName,admin2Pcode,admin1Name_es,admin1Pcode,admin0Name_en,admin0Name_es,admin0Pcode,date\n",
        "adm2_name_es,adm2_ref,adm2_pcode,adm1_name_es,adm1_pcode,adm0_name,adm0_name_es,adm0_pcode,valid\n",
    ],
)
def test_ochas_tables_give_every_level_with_its_names_by_language(desk_database: str, header: str) -> None:
    assert kept(header + ROW + ROW.replace("El Olivo", "La Palma").replace("0101", "0102")).new == 4
    assert tree() == [
        ("XA", 0, None, {"en": "Land", "es": "País"}),
        ("XA01", 1, "XA", {"es": "Norte"}),
        ("XA0101", 2, "XA01", {"es": "El Olivo"}),
        ("XA0102", 2, "XA01", {"es": "La Palma"}),
    ]


def test_the_sheets_of_a_workbook_are_one_list(desk_database: str) -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.append(["note"])
    first.append(["nothing here"])
    levels: dict[str, list[list[str]]] = {
        "ADM0": [["ADM0_PCODE", "ADM0_EN"], ["XA", "Land"]],
        "ADM1": [["ADM1_PCODE", "ADM1_EN", "ADM0_PCODE"], ["XA02", "South", "XA"]],
    }
    for title, rows in levels.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    found, faults = read_areas(sheets("areas.xlsx", lambda: io.BytesIO(written.getvalue())))
    assert faults == []
    assert take_in(found, by=None, at=NOON).new == 2
    assert [row[:3] for row in tree()] == [("XA", 0, None), ("XA02", 1, "XA")]


def test_a_later_list_adds_areas_and_names_and_removes_none(desk_database: str) -> None:
    kept(PLAIN)
    assert kept("code,parent,name_es,name_ar\nXA01,XA,Norte,شمال\nXA02,XA,Sur,\n") == AreaCounts(
        new=1, renamed=1, same=0
    )
    assert [row[0] for row in tree()] == ["XA", "XA01", "XA0101", "XA02"]
    assert tree()[1][3] == {"en": "North", "es": "Norte", "ar": "شمال"}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("1,,Land\n", "code"),
        ("XA01,XB,North\n", "prefix"),
        ("XA,XA,Land\n", "prefix"),
        (f"XA,,{'a' * 121}\n", "name"),
        ("XA,,Land\nXA01,XA,North\nXA0101,XA,Town\nXA0101,XA01,Town\n", "twice"),
        ("XA01,XA,North\n", "parent-unknown"),
        ("QQ,,Land\nQQ0101,QQ,Town\n", "moved"),
    ],
)
def test_what_is_wrong_is_said_by_row_and_nothing_is_taken(desk_database: str, rows: str, reason: str) -> None:
    kept("code,parent,name\nQQ,,Land\nQQ01,QQ,North\nQQ0101,QQ01,Town\n")
    _, faults = read("code,parent,name\n" + rows)
    assert [each.reason for each in faults] == [reason]


def test_a_file_without_codes_is_refused(desk_database: str) -> None:
    with pytest.raises(AreasRefused):
        read("name,population\nNorth,5\n")


def test_the_page_takes_a_list_in_shows_it_level_by_level_and_notes_it(browser: Client) -> None:
    browser.force_login(member(Role.ADMINISTRATOR))
    url = reverse("areas")
    assert "There is no area yet" in browser.get(url).content.decode()
    reply = browser.post(url, {"file": SimpleUploadedFile("areas.csv", PLAIN.encode())})
    assert (reply.status_code, "Land" in reply.content.decode()) == (200, True)
    inside = browser.get(url, {"under": "XA"}).content.decode()
    assert "North" in inside
    assert "Town" not in inside
    assert browser.get(url, {"under": "ZZ"}).status_code == 404
    entry = TrailEntry.objects.filter(action="register.areas").get()
    assert entry.details == {"new": 3, "renamed": 0}


def test_the_page_shows_what_is_wrong_and_takes_nothing(browser: Client) -> None:
    browser.force_login(member(Role.PROGRAMME_MANAGER))
    reply = browser.post(reverse("areas"), {"file": SimpleUploadedFile("areas.csv", b"code,parent\nXA,\nXB01,XA\n")})
    assert reply.status_code == 400
    assert "has to begin with the code of the area around it" in reply.content.decode()
    reply = browser.post(reverse("areas"), {"file": SimpleUploadedFile("areas.csv", b"name\nNorth\n")})
    assert (reply.status_code, Area.objects.exists()) == (400, False)


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.VIEWER])
def test_who_enrols_or_only_looks_does_not_change_areas(browser: Client, role: Role) -> None:
    browser.force_login(member(role))
    assert browser.get(reverse("areas")).status_code == 403
