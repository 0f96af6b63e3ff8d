"""The pages of a household and of a person: what they show to whom, and what is written down."""

import io
import re
import zipfile

import pytest
from django.test import Client
from packages.office.tests.register.desk_pages import NOON, areas, household, signed_in, text

from amparo_office.register import service
from amparo_office.register.models import Access, Change, Household, Individual
from amparo_staff.accounts.roles import Role


def paths(home: Household) -> tuple[str, str]:
    """The page of a household, and of its first member."""
    return f"/register/households/{home.ref}/", f"/register/people/{home.members.earliest('id').ref}/"


def test_a_page_shows_facts_with_purpose_source_and_end_but_no_name(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero", rooms=3)
    signed_in(browser, Role.REGISTRAR)
    page = text(browser.get(paths(home)[0]))
    for shown in ("Rooms of the dwelling", "declared need of the household", "2026-10-01", "365 days", "Well"):
        assert shown in page
    assert "Quintero" not in page
    assert "584120001122" not in page


def test_names_are_opened_by_a_post_with_a_purpose_which_is_written_down_and_shown(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    who = signed_in(browser, Role.REGISTRAR)
    page = text(browser.post(paths(home)[1], {"purpose": "service"}))
    assert "Luz Quintero" in page
    assert "+584120001122" in page
    row = Access.objects.filter(individual=home.members.get(), purpose="service", by=who).latest("id")
    assert {"names", "telephone", "documents"} <= set(row.kinds)
    assert "To serve the person who came" in page


@pytest.mark.parametrize(("purpose", "telephone"), [("list", False), ("disbursement", False), ("contact", True)])
def test_a_purpose_opens_only_what_it_needs(browser: Client, purpose: str, telephone: bool) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.REGISTRAR)
    page = text(browser.post(paths(home)[1], {"purpose": purpose}))
    assert "Luz Quintero" in page
    assert ("+584120001122" in page) is telephone


@pytest.mark.parametrize("purpose", ["", "nonsense", "export", "person-file", "erasure"])
def test_a_purpose_of_another_page_opens_nothing(browser: Client, purpose: str) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.REGISTRAR)
    for path in paths(home):
        assert "Quintero" not in text(browser.post(path, {"purpose": purpose}))
    assert not Access.objects.filter(purpose=purpose).exists()


def test_every_reading_of_a_page_is_shown_on_it(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.VALIDATOR)
    for _ in range(2):
        browser.post(paths(home)[0], {"purpose": "contact"})
    page = text(browser.get(paths(home)[0]))
    assert page.count("To get in touch") >= 2
    assert len(browser.get(paths(home)[0]).context["accesses"]) == Access.objects.filter(household=home).count()


def test_changes_show_their_fields_to_all_and_their_values_only_under_a_purpose(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    who = signed_in(browser, Role.REGISTRAR)
    person = Individual.objects.get()
    path = f"{paths(home)[1]}change/telephone/"
    version = {"version": str(person.version), "step": "save", "reason": "new number"}
    browser.post(path, {"telephone": "+58 414 999 8877", **version})
    quiet = text(browser.get(paths(home)[1]))
    assert "new number" in quiet
    assert who.name in quiet
    assert "584149998877" not in quiet
    opened = text(browser.post(paths(home)[1], {"purpose": "service"}))
    assert "584120001122" in opened
    assert "584149998877" in opened


def test_no_address_of_a_page_holds_anything_that_was_typed(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.VALIDATOR)
    pages = [browser.get("/register/"), browser.post("/register/", {"purpose": "list"})]
    pages += [browser.post(path, {"purpose": "service"}) for path in paths(home)]
    pages.append(browser.post("/register/search/", {"words": "Luz Quintero", "purpose": "service"}))
    allowed = re.compile(r"[A-Za-z0-9/_.=&;%?#-]*$")
    for page in pages:
        for address in re.findall(r'(?:href|action|src)="([^"]*)"', text(page)):
            assert allowed.match(address), address
            assert not re.search(r"luz|quintero|5841200|parish", address.lower()), address


def test_the_whole_record_is_handed_over_as_a_file_and_that_is_written_down(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero", rooms=3)
    who = signed_in(browser, Role.REGISTRAR)
    assert browser.get(f"{paths(home)[1]}file/").status_code == 405
    answer = browser.post(f"{paths(home)[1]}file/")
    assert answer["Content-Disposition"] == f'attachment; filename="{home.members.get().ref}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as whole:
        everything = b"".join(whole.read(name) for name in whole.namelist()).decode()
    assert "Quintero" in everything
    assert Access.objects.filter(individual=home.members.get(), by=who, purpose="person-file").exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR, Role.PROGRAMME_MANAGER])
def test_a_role_without_identity_gets_no_file(browser: Client, role: Role) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, role)
    assert browser.post(f"{paths(home)[1]}file/").status_code == 403


def test_a_collector_from_outside_is_seen_where_they_collect_and_nowhere_else(browser: Client) -> None:
    areas()
    home, other = household("Luz", "Quintero"), household("Omar", "Haddad", area="XA02")
    collector = other.members.get()
    service.set_collectors(
        home.id,
        primary=home.members.get().id,
        alternate=collector.id,
        version=1,
        reason="x",
        origin_source="desk",
        by=None,
        at=NOON,
    )
    signed_in(browser, Role.REGISTRAR, area="XA01")
    assert collector.ref in text(browser.get(paths(home)[0]))
    assert browser.get(f"/register/households/{other.ref}/").status_code == 404
    assert Change.objects.filter(household=home).count() == 1
