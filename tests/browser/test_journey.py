"""The story that the desk is for, in the browser alone: from an empty desk to a list that two people let out. A real server with
its worker, a real public log, either database. Beside the pages only what a person does there: a workbook is mended in a
spreadsheet, a file that was handed out is opened.
"""

import csv
import json
import zipfile
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from tests.browser.conftest import Browser, EmptyDesk
from tests.browser.hands import Hands, Member, at_work
from tests.browser.survey import LEAVER, NAMESAKES, RIGHT_SPELLING, SLIP_OF_A_PEN, Survey, survey

from amparo_common.bridge import ExportMade

PASSWORD = "nine quiet bicycles"
LIST = "Household survey, November"


def first_administrator(hands: Hands, desk: EmptyDesk) -> Member:
    """The code from the console, a password and a passkey; without the passkey no other page opens."""
    ana = Member(hands, "ana.admin")
    ana.open("/").picture("empty-desk").go("Set up the first administrator").picture("first")
    ana.fill(code=desk.code, login=ana.login, name="Ana Pérez", password=PASSWORD, again=PASSWORD).press("Begin")
    add_passkey(ana)
    return ana


def add_passkey(admin: Member) -> None:
    """An administrator is led to the passkeys, and goes on from there."""
    assert admin.open("/members").where() == "/account/passkeys"
    assert "The passkey did not answer" not in admin.text("main")
    admin.picture("passkey-must").fill(label="blue key", password=PASSWORD).press("Add a passkey")
    assert len(admin.texts("main li code")) == 10
    admin.picture("passkey-added").go("Start").picture("start-admin")


def invite(admin: Member, login: str, name: str, role: str) -> Member:
    """A new member with a role: the code that the administrator sees is typed at the new member's own browser."""
    invited = Member(admin.hands, login)
    admin.go("Staff", "Add a member").picture("add-member").fill(login=login, name=name)
    admin.choose("Language", "English").press("Add").picture("code-to-hand-over")
    code = admin.text(".secret")
    admin.go("Go on").picture("member-new").go("Change the roles").picture("roles")
    admin.choose("Role (may stay empty)", role).fill(reason="Works here from today.").press("Save").picture(
        "roles-saved"
    )
    invited.open("/").go("You have a code and want to choose a password").picture("choose-password")
    invited.fill(login=login, code=code, password=PASSWORD, again=PASSWORD).press("Save and sign in")
    return invited


def sign_in(member: Member) -> Member:
    """With log-in name and password. A change of roles has ended the session."""
    return member.open("/sign-in").fill(login=member.login, password=PASSWORD).press("Sign in")


def agree(member: Member, what: str) -> None:
    """The second person reads what will happen, and agrees."""
    member.go("Approvals").picture("approvals")
    (words,) = [each for each in member.texts("main ul.tasks a") if what in each]
    member.go(words).picture("approval").tick("Yes, do it").fill(why="I looked at it.").press("Answer")
    assert "approved and done" in member.text("main")
    member.picture("approval-agreed")


def send(registrar: Member, *files: Path) -> Member:
    """Send a list."""
    registrar.go("Imports", "Import a file").picture("import-new").fill(name=LIST)
    return registrar.attach("File, or two files: households and people", *files).press("Send it")


def take_in_areas(admin: Member, given: Survey, folder: Path) -> None:
    """The country's table of P-codes; until then no list that names areas can be taken in."""
    admin.go("Areas").picture("areas-none").attach("List of areas (XLSX or CSV)", given.write_areas(folder)).press(
        "Take in"
    )
    admin.picture("areas-taken-in").go("Synthetic").picture("areas-inside")
    assert len(admin.texts("main tbody tr")) == len({home["geo1"] for home in given.homes})


def import_survey(rosa: Member, given: Survey, folder: Path) -> Path:
    """Send the survey, say what its columns are, check it; take in what is right. The workbook with the rest."""
    send(rosa, *given.write(folder)).picture("import-sent")
    rosa.wait("link", "Choose the columns").picture("import-read").go("Choose the columns").picture("columns")
    assert "Never recorded: religion. Aid must not depend on it." in rosa.text("main")
    rosa.type("Calling code of the country (may stay empty)", "58")
    rosa.picture("columns-chosen").press("Check the file")
    rosa.wait("link", "Take in those that are right").picture("import-checked")
    wrong = len(given.right)
    assert rosa.text("main p.big") == f"{len(given.homes) - wrong} households are right · {wrong} need you"
    workbook = rosa.save("link", "Download the others to correct (XLSX)", folder / "to-correct.xlsx")
    rosa.go("Take in those that are right").picture("take-in").press("Take them in").picture("taking-in")
    rosa.wait("link", "Open the register").picture("taken-in")
    assert rosa.facts()["New households"] == str(len(given.homes) - wrong)
    return workbook


def mend(workbook: Path, given: Survey) -> Path:
    """Correct the marked cells in a spreadsheet. They are the ones that are wrong, and say why."""
    book = openpyxl.load_workbook(workbook)
    marked = set()
    for sheet, table in ((book["Households"], "homes"), (book["Individuals"], "people")):
        head = [cell.value for cell in sheet[1]]
        for cell in (cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.comment):
            ref, column = sheet.cell(cell.row, head.index("hid") + 1).value, head[cell.column - 1]
            assert given.right[ref][:2] == (table, column), cell.comment.text
            cell.value, cell.comment = given.right[ref][2], None
            marked.add(ref)
    assert marked == set(given.right)
    book.save(mended := workbook.with_name("mended.xlsx"))
    return mended


def import_mended(rosa: Member, mended: Path, given: Survey) -> None:
    """The mended rows are known by the columns of the list; then everybody is in the register."""
    send(rosa, mended).wait("link", "Choose the columns").go("Choose the columns").picture("mended-columns")
    assert "You had a file with these columns before." in rosa.text("main")
    rosa.press("Check the file").wait("link", "Take them in").picture("mended-checked")
    rosa.go("Take them in").press("Take them in").wait("link", "Open the register")
    assert rosa.facts()["New households"] == str(len(given.right))
    rosa.go("Register").picture("register")
    assert f"{len(given.homes)} households" in rosa.texts("main p[role=status]")


def import_again(rosa: Member, mended: Path, given: Survey, folder: Path) -> None:
    """The same file, and the same rows in a file that was saved anew, change nothing."""
    send(rosa, folder / "households.csv", folder / "individuals.csv").picture("taken-in-before")
    assert "Nothing has changed. The same file was taken in already." in rosa.text("main")
    openpyxl.load_workbook(mended).save(again := folder / "again.xlsx")
    send(rosa, again).wait("link", "Choose the columns").go("Choose the columns").press("Check the file")
    rosa.wait("link", "Change the columns").picture("nothing-new")
    assert rosa.facts()["In the register already, left as they are"] == str(len(given.right))
    assert rosa.links("main a:text-is('Take them in')") == []
    rosa.go("Register")
    assert f"{len(given.homes)} households" in rosa.texts("main p[role=status]")


Pair = dict[str, tuple[str, str]]


def pairs(vera: Member, state: str) -> dict[str, Pair]:
    """The pairs in a state: the address of each, and what its two sides say."""
    found = {}
    vera.go("Duplicates").choose("State", state).press("Filter")
    for path in vera.links("main tbody th a"):
        vera.open(path)
        cells = vera.texts("main tbody td")
        sides = list(zip(cells[0::3], cells[1::3], strict=True))
        found[path] = dict(zip(vera.texts("main tbody th"), sides, strict=True))
    return found


def look(vera: Member) -> None:
    """Look for duplicates, and wait until the search has ended."""
    vera.go("Duplicates").press("Look for possible duplicates").picture("looking")
    vera.wait("link", "See the result").picture("looked").go("See the result")


def judge(vera: Member) -> None:
    """Two records side by side: one person, put together and taken apart again; two people, and nobody asks again."""
    look(vera)
    vera.picture("duplicates")
    waiting = pairs(vera, "Waits for you")
    (same,) = [path for path, pair in waiting.items() if pair["Name"][1].endswith(SLIP_OF_A_PEN)]
    (other,) = [path for path, pair in waiting.items() if pair["Name"][0].endswith(NAMESAKES)]
    assert waiting[same]["Name"][0].endswith(RIGHT_SPELLING)
    vera.open(same).picture("pair-same").tick("One person: put the two records together")
    kept, gone = vera.texts("main thead th")[1:3]
    vera.choose("Why?", "The same form was typed in twice").tick(kept).press("Save").picture("judged")
    vera.go("What was put together").picture("put-together")
    assert vera.texts("main tbody tr:first-child > *")[:2] == [kept, gone]
    vera.press(f"Undo {gone}").picture("undone")
    assert same in pairs(vera, "Waits for you")
    vera.open(other).picture("pair-different").tick("Two different people")
    vera.choose("Why?", "Only the names are the same").press("Save")
    look(vera)
    assert other not in pairs(vera, "Waits for you")
    assert other in pairs(vera, "Two people")
    vera.open(other).picture("pair-judged")


def search(vera: Member, words: str) -> list[str]:
    """The references of who is found."""
    vera.go("Register", "Search").choose("For what do you read it", "To serve the person who came")
    vera.type("Name, telephone, number of a paper, or reference", words).press("Search").picture("search")
    return vera.texts("main tbody td:first-child a")


def correct(vera: Member) -> str:
    """Correct the name that was written wrongly; who changed what, and why, stands in the record."""
    search(vera, SLIP_OF_A_PEN)
    ref = vera.texts(f"main tbody tr:has(:text('{SLIP_OF_A_PEN}')) td:first-child a")[0]
    vera.go(ref).picture("person")
    vera.choose("For what do you read it", "To correct the record").press("Open").picture("person-opened")
    vera.go("Correct the names").picture("correct-open").press("Open to correct").picture("correct-names")
    vera.fill(family=RIGHT_SPELLING, reason="She showed her papers.").press("Save").picture("corrected")
    assert "It is saved." in vera.text("main")
    vera.choose("For what do you read it", "To serve the person who came").press("Open").picture("corrected-opened")
    assert vera.facts()["Names"].endswith(RIGHT_SPELLING)
    assert SLIP_OF_A_PEN in vera.text("main del")
    assert "She showed her papers." in vera.text("main")
    return ref


def erase(vera: Member, viktor: Member, name: str) -> None:
    """Erase somebody with a second person; nobody finds them any more."""
    (ref,) = search(vera, name)
    vera.go(ref, "Erase this person").picture("erase")
    vera.fill(reason="They moved abroad and asked for it.", typed=ref).press("Ask a second person").picture(
        "erase-asked"
    )
    assert "A second person has to agree" in vera.text("main")
    agree(viktor, ref)
    viktor.go("What was erased").picture("erased")
    vera.open(f"/register/people/{ref}/", status=404).picture("erased-gone")
    assert search(vera, name) == []


def hand_over(vera: Member, ref: str, folder: Path) -> None:
    """The whole record as a file to take home: what is known, what was changed and why, who read it."""
    vera.open(f"/register/people/{ref}/")
    with zipfile.ZipFile(vera.save("button", "Hand over the record", folder / "record.zip")) as packed:
        assert sorted(packed.namelist()) == ["record.html", "record.json"]
        page, record = packed.read("record.html").decode(), json.loads(packed.read("record.json"))
    assert record["ref"] == ref
    assert record["identity"]["names"][0]["family"] == RIGHT_SPELLING
    assert {fact["name"] for fact in record["facts"]} >= {"birth_date", "disability"}
    assert [change["reason"] for change in record["changes"]][-1:] == ["She showed her papers."]
    assert {access["by"] for access in record["accesses"]} >= {"Vera Salas"}
    assert RIGHT_SPELLING in page


def export(vera: Member, viktor: Member, people: int, desk: EmptyDesk, folder: Path) -> None:
    """A list of everybody, asked by one, agreed by another, said in the public log; then it can be fetched."""
    vera.go("Lists", "Make a list").picture("list-new").tick("person").choose("Reason", "To hand out aid")
    vera.choose("For the programme (may stay empty)", "food-basket").choose("Form", "CSV").press("Make the list")
    vera.picture("list-asked")
    assert "A colleague has to agree." in vera.text("main")
    agree(viktor, f"{people} records")
    assert viktor.facts()["Reason"] == "To hand out aid"
    vera.go("Lists").picture("lists").go(vera.text("main tbody th a")).picture("list-written")
    vera.wait("link", "Download").picture("list-ready")
    place = int(vera.facts()["Place in the public log"])
    with vera.save("link", "Download", folder / "list.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == people == int(vera.facts()["Records"])
    desk.log.update()
    said = [(index, body) for index, entry in desk.log.entries(0) if isinstance(body := entry.entry.body, ExportMade)]
    assert [(index, body.count, body.programme, body.reason, body.approvals) for index, body in said] == [
        (place, people, "food-basket", "distribution", 2)
    ]


def test_a_register_is_filled_judged_corrected_and_handed_out_in_the_browser_alone(
    browser_rig: Browser, empty_desk: EmptyDesk, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    given = survey()
    if not given.real:
        print("The World Bank's survey is not in shared/data: an invented one of the same shape is imported.")
    with at_work(browser_rig, empty_desk.address, pictures=request.node.callspec.id) as hands:
        ana = first_administrator(hands, empty_desk)
        eva = invite(ana, "eva.admin", "Eva Núñez", "Administrator")
        add_passkey(eva)
        rosa = invite(ana, "rosa", "Rosa Quispe", "Registrar")
        vera = invite(ana, "vera", "Vera Salas", "Validator")
        agree(eva, "Vera Salas")
        viktor = invite(ana, "viktor", "Víctor Ruiz", "Validator")
        agree(eva, "Víctor Ruiz")
        take_in_areas(ana, given, tmp_path)
        rosa.open("/").picture("start-registrar")
        mended = mend(import_survey(rosa, given, tmp_path), given)
        import_mended(rosa, mended, given)
        import_again(rosa, mended, given, tmp_path)
        for validator in (vera, viktor):
            sign_in(validator)
        judge(vera)
        corrected = correct(vera)
        erase(vera, viktor, LEAVER)
        hand_over(vera, corrected, tmp_path)
        export(vera, viktor, len(given.people) - 1, empty_desk, tmp_path)
