"""The pages of imports and exports, as a browser sees them: nobody without the role, each step leads to the next."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from packages.office.tests.town_log import TownLog
from tests.servers.desk import member

from amparo_office.intake import checking, service
from amparo_office.intake.models import Export, Import, ImportState
from amparo_office.register.models import Household
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval

from .conftest import NOON, checked, csv_of, fresh, send, taken, work

ROWS = [
    ("ref", "nombre", "edad", "religion", "cuartos"),
    ("1", "Ana Rojas", "40", "x", "2"),
    ("2", "Eva Paz", "mucho", "x", ""),
]


@pytest.fixture
def desk(browser: Client, registrar: StaffMember) -> Client:
    """A browser in which the registrar is signed in."""
    browser.force_login(registrar)
    return browser


def text_of(answer_: object) -> str:
    """A page's text, checked for what every page has."""
    page = str(answer_.content.decode())  # type: ignore[attr-defined]
    assert page.count("<h1>") == 1
    for found in re.findall(r"<(?:input|select|textarea)[^>]*>", page):
        if 'type="hidden"' not in found and 'type="radio"' not in found and 'type="checkbox"' not in found:
            (name,) = re.findall(r'\bid="([^"]+)"', found)
            assert f'for="{name}"' in page, found
    assert " style=" not in page
    assert re.search(r"<script(?![^>]*nonce)", page) is None
    return page


def test_a_file_goes_through_all_pages_into_the_register(desk: Client) -> None:
    text_of(desk.get("/imports/"))
    text_of(desk.get("/imports/new"))
    sent = desk.post("/imports/new", {"name": "market", "sent": SimpleUploadedFile("l.csv", csv_of(*ROWS))})
    given = Import.objects.get()
    assert sent["Location"] == f"/imports/{given.id}"
    text_of(desk.get(sent["Location"]))
    work()
    assert f"/imports/{given.id}/columns" in text_of(desk.get(sent["Location"]))
    page = text_of(desk.get(f"/imports/{given.id}/columns"))
    assert "Never recorded: religion." in page
    assert "Ana Rojas" in page
    fields = dict(re.findall(r'<select id="(h\d+)" name="h\d+">.*?<option value="([^"]+)" selected', page))
    assert fields == {"h0": "ref", "h1": "whole", "h2": "age", "h4": "fact:household:rooms"}
    done = desk.post(
        f"/imports/{given.id}/columns", fields | {"source": "market", "day": "2026-10-01", "step": "check"}
    )
    assert done.status_code == 302
    work()
    page = text_of(desk.get(f"/imports/{given.id}"))
    assert "<bdi>1</bdi> household is right" in page
    assert "<bdi>1</bdi> needs you" in page
    assert "mucho" in page
    assert "mucho" in text_of(desk.get(f"/imports/{given.id}?column=edad&reason=age"))
    book = b"".join(desk.get(f"/imports/{given.id}/to-correct").streaming_content)  # type: ignore[attr-defined]
    assert book.startswith(b"PK")
    text_of(desk.get(f"/imports/{given.id}/take-in"))
    desk.post(f"/imports/{given.id}/take-in")
    work()
    assert Household.objects.count() == 1
    assert fresh(given).state == ImportState.MERGED
    again = desk.post("/imports/new", {"name": "market", "sent": SimpleUploadedFile("l.csv", csv_of(*ROWS))})
    assert again["Location"] == f"/imports/{given.id}/before"
    assert "Nothing has changed" in text_of(desk.get(again["Location"]))


def test_a_page_says_that_faults_were_left_out_only_where_some_were(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*ROWS, ("3", "Luz Sol", "poco", "x", "")]
    given = checked(send(StaffMember.objects.get(), ("l.csv", csv_of(*rows))))
    page = text_of(desk.get(f"/imports/{given.id}"))
    assert "<bdi>2</bdi> of <bdi>2</bdi> faults." in page
    assert "are kept" not in page
    monkeypatch.setattr(checking, "MOST_SHOWN", 1)
    service.check_again(given, by=given.by, at=NOON)
    work()
    page = text_of(desk.get(f"/imports/{given.id}"))
    assert "<bdi>1</bdi> of <bdi>2</bdi> faults. The first 1,000 are kept." in page


def test_a_forbidden_column_is_refused_with_its_reason_in_the_members_language(desk: Client) -> None:
    given = send(StaffMember.objects.get(), ("l.csv", csv_of(*ROWS)))
    posted = {"h0": "ref", "h1": "whole", "h3": "address", "source": "x", "day": "2026-10-01", "step": "check"}
    answered = desk.post(f"/imports/{given.id}/columns", posted)
    assert answered.status_code == 400
    assert "“religion” speaks of religion" in text_of(answered)
    StaffMember.objects.update(language="es")
    answered = desk.post(f"/imports/{given.id}/columns", posted)
    assert "habla de religión" in text_of(answered)


def test_what_was_chosen_for_a_file_is_remembered_for_the_next_one_with_its_columns(desk: Client) -> None:
    given = send(StaffMember.objects.get(), ("l.csv", csv_of(*ROWS)))
    chosen = {"h0": "ref", "h1": "whole", "h1-order": "family-first", "source": "market", "day": "2026-10-01"}
    desk.post(f"/imports/{given.id}/columns", chosen | {"step": "check"})
    work()
    other = [tuple(reversed(row)) for row in [ROWS[0], ("9", "Sol Vega", "30", "x", "1")]]
    second = send(StaffMember.objects.get(), ("m.csv", csv_of(*other)))
    page = text_of(desk.get(f"/imports/{second.id}/columns"))
    assert "You had a file with these columns before" in page
    assert re.search(r'name="h3-order">.*?value="family-first" selected', page, re.DOTALL)


def test_no_file_and_an_unknown_kind_of_file_are_answered_with_words(desk: Client) -> None:
    assert desk.post("/imports/new", {"name": "x"}).status_code == 400
    picture = desk.post("/imports/new", {"name": "x", "sent": SimpleUploadedFile("p.png", b"\x89PNG")})
    assert "This kind of file is not read" in text_of(picture)
    assert Import.objects.count() == 0


def test_an_import_is_given_up_and_its_files_are_gone(desk: Client) -> None:
    given = checked(send(StaffMember.objects.get(), ("l.csv", csv_of(*ROWS))))
    desk.post(f"/imports/{given.id}/give-up")
    assert fresh(given).state == ImportState.CANCELLED
    assert fresh(given).files == {}
    text_of(desk.get(f"/imports/{given.id}"))
    assert desk.get(f"/imports/{given.id}/to-correct").status_code == 404


def test_a_member_of_one_area_does_not_see_the_imports_of_others(desk: Client) -> None:
    given = send(StaffMember.objects.get(), ("l.csv", csv_of(*ROWS)))
    desk.force_login(member(Role.REGISTRAR, login="other", area="XA01"))
    for path in ("", "/columns", "/take-in", "/to-correct"):
        assert desk.get(f"/imports/{given.id}{path}").status_code == 404
    assert "market" not in text_of(desk.get("/imports/"))


@pytest.mark.parametrize(
    "path", ["/imports/", "/imports/new", "/imports/templates", "/imports/form-check", "/imports/form.xlsx"]
)
def test_imports_are_closed_to_roles_without_the_permission(desk: Client, path: str) -> None:
    desk.force_login(member(Role.AUDITOR))
    assert desk.get(path).status_code == 403
    desk.logout()
    assert desk.get(path).status_code == 302


def test_the_template_the_form_and_the_check_of_a_form_are_pages(desk: Client) -> None:
    page = text_of(desk.get("/imports/templates"))
    assert "food-basket" in page
    assert desk.get("/imports/template.xlsx?programme=food-basket").content.startswith(b"PK")
    form = desk.get("/imports/form.xlsx").content
    text_of(desk.get("/imports/form-check"))
    report = desk.post("/imports/form-check", {"file": SimpleUploadedFile("f.xlsx", form)})
    assert "Nothing in this form is forbidden." in text_of(report)
    assert desk.get("/imports/form.xlsx?programme=nothing").status_code == 404


def test_a_list_is_made_asked_for_and_fetched_page_by_page(desk: Client, town_log: TownLog) -> None:
    taken(checked(send(StaffMember.objects.get(), ("l.csv", csv_of(*ROWS)))))
    maker, second = member(Role.VALIDATOR, login="maker"), member(Role.VALIDATOR, login="second")
    desk.force_login(maker)
    text_of(desk.get("/exports/"))
    text_of(desk.get("/exports/new?state=new"))
    asked = {"rows": "people", "programme": "food-basket", "reason": "audit", "form": "csv", "identity": "on"}
    made = desk.post("/exports/new?state=new", asked)
    row = Export.objects.get()
    assert made["Location"] == f"/exports/{row.id}"
    work()
    text_of(desk.get(made["Location"]))
    whole = b"".join(desk.get(f"/exports/{row.id}/file").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert "Ana Rojas" in whole
    desk.force_login(second)
    assert desk.get(f"/exports/{row.id}/file").status_code == 404
    assert not Approval.objects.exists()
    assert len(town_log.said) == 2


def test_a_role_that_sees_no_names_is_offered_none(desk: Client) -> None:
    desk.force_login(member(Role.PROGRAMME_MANAGER))
    page = text_of(desk.get("/exports/new"))
    assert 'name="identity"' not in page
    refused = desk.post("/exports/new", {"rows": "people", "reason": "audit", "form": "csv", "identity": "on"})
    assert refused.status_code == 400
