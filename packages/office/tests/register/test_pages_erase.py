"""Erasing one person or the whole register, the catalogue of facts, the data dictionary."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from packages.office.tests.register.desk_pages import NOON, areas, household, signed_in, text
from tests.servers.desk import member

from amparo_office.errors import RegisterDestroyed
from amparo_office.register import service
from amparo_office.register.models import CatalogueEntry, Household, Individual
from amparo_office.register.vault import vault
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import answer
from amparo_staff.errors import MayNotApprove
from amparo_staff.trail.models import TrailEntry


def test_erasing_needs_the_reference_again_a_reason_and_a_second_person(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    who = home.members.get()
    maker = signed_in(browser, Role.VALIDATOR)
    path = f"/register/people/{who.ref}/erase/"
    text(browser.get(path))
    wrong = browser.post(path, {"reason": "asked for it", "typed": service.new_ref("P")})
    assert "typed" in wrong.context["form"].errors
    assert "reason" in browser.post(path, {"typed": who.ref}).context["form"].errors
    waits = browser.post(path, {"reason": "asked for it", "typed": who.ref.lower()})["Location"]
    assert "A second person has to agree" in text(browser.get(waits))
    assert Individual.objects.exists()
    approval = Approval.objects.get()
    assert "Luz" not in str(approval.subject)
    with pytest.raises(MayNotApprove):
        answer(approval, by=maker, yes=True, why="", at=NOON)
    answer(approval, by=member(Role.APPROVER), yes=True, why="", at=NOON)
    assert not Individual.objects.exists()
    assert not Household.objects.exists()
    assert vault().keys([who.key, home.key]) == {}
    page = text(browser.get(waits))
    assert "Erased for good" in page
    assert "What was erased" in page
    assert browser.get(f"/register/people/{who.ref}/").status_code == 404
    assert TrailEntry.objects.filter(action="register.erased", subject=who.ref).count() == 1


def test_asking_twice_leads_to_the_one_question_that_waits(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.VALIDATOR)
    path = f"/register/households/{home.ref}/erase/"
    first = browser.post(path, {"reason": "asked for it", "typed": home.ref})["Location"]
    assert browser.get(path)["Location"] == first
    assert Approval.objects.count() == 1


def test_a_household_goes_with_everybody_in_it(browser: Client) -> None:
    areas()
    home, other = household("Luz", "Quintero"), household("Ana", "Rojas")
    signed_in(browser, Role.VALIDATOR)
    browser.post(f"/register/households/{home.ref}/erase/", {"reason": "asked", "typed": home.ref})
    answer(Approval.objects.get(), by=member(Role.APPROVER), yes=True, why="", at=NOON)
    assert list(Household.objects.all()) == [other]


def test_a_second_person_of_another_area_cannot_agree(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.VALIDATOR)
    browser.post(f"/register/households/{home.ref}/erase/", {"reason": "asked", "typed": home.ref})
    with pytest.raises(MayNotApprove):
        answer(Approval.objects.get(), by=member(Role.APPROVER, area="XA02"), yes=True, why="", at=NOON)
    assert Household.objects.exists()


def test_a_no_erases_nothing(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.VALIDATOR)
    waits = browser.post(f"/register/households/{home.ref}/erase/", {"reason": "asked", "typed": home.ref})["Location"]
    answer(Approval.objects.get(), by=member(Role.APPROVER), yes=False, why="not sure", at=NOON)
    assert "Nothing was erased" in text(browser.get(waits))
    assert Household.objects.exists()


def test_who_may_not_see_the_register_is_led_nowhere_after_agreeing(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.VALIDATOR)
    browser.post(f"/register/households/{home.ref}/erase/", {"reason": "asked", "typed": home.ref})
    approval = Approval.objects.get()
    who = signed_in(browser, Role.ADMINISTRATOR)
    answer(approval, by=who, yes=True, why="", at=NOON)
    page = text(browser.get(f"/approvals/{approval.id}"))
    assert "approved and done" in page
    assert f"/register/erased/{approval.id}/" not in page


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.VIEWER, Role.PROGRAMME_MANAGER])
def test_only_a_validator_asks_to_erase(browser: Client, role: Role) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, role)
    assert browser.get(f"/register/households/{home.ref}/erase/").status_code == 403


def test_the_emergency_needs_two_administrators_and_then_nothing_can_be_opened(
    browser: Client, tmp_path: Path, rebased: Callable[[Path], None]
) -> None:
    rebased(tmp_path / "keys")
    areas()
    household("Luz", "Quintero")
    maker = signed_in(browser, Role.ADMINISTRATOR)
    text(browser.get("/register/panic/"))
    assert "count" in browser.post("/register/panic/", {"reason": "soldiers", "count": "7"}).context["form"].errors
    browser.post("/register/panic/", {"reason": "soldiers", "count": "1"})
    assert "Another administrator has to answer" in text(browser.get("/register/panic/"))
    with pytest.raises(MayNotApprove):
        answer(Approval.objects.get(), by=maker, yes=True, why="", at=NOON)
    assert Individual.objects.exists()
    answer(Approval.objects.get(), by=member(Role.ADMINISTRATOR, login="other"), yes=True, why="", at=NOON)
    assert not Individual.objects.exists()
    with pytest.raises(RegisterDestroyed):
        vault().new_keys(1)


def test_the_catalogue_shows_facts_by_purpose_in_the_language_of_the_page(browser: Client) -> None:
    who = signed_in(browser, Role.PROGRAMME_MANAGER)
    assert "Rooms of the dwelling" in text(browser.get("/register/catalogue/"))
    who.language = "ar"
    who.save()
    assert "غرف المسكن" in text(browser.get("/register/catalogue/"))


PROPOSED = {
    "entity": "household",
    "name": "roof_material",
    "kind": "int",
    "least": "1",
    "most": "5",
    "purpose": "shelter programme",
    "retention_days": "200",
    "reason": "shelter rule",
    **{f"label_{code}": f"roof {code}" for code in ("es", "en", "fr", "ar", "pt")},
}


def test_a_proposed_fact_waits_for_a_second_person_and_is_not_in_use(browser: Client) -> None:
    signed_in(browser, Role.PROGRAMME_MANAGER)
    text(browser.get("/register/catalogue/propose/"))
    reply = browser.post("/register/catalogue/propose/", PROPOSED)
    assert reply.status_code == 302, reply.context["form"].errors
    assert CatalogueEntry.objects.get().state == "proposed"
    assert "roof_material" in text(browser.get("/register/catalogue/"))
    signed_in(browser, Role.REGISTRAR)
    browser.post("/register/new/")
    assert browser.get("/register/new/fact-roof_material/").status_code == 302


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "church_member"), ("name", "Roof"), ("most", ""), ("label_es", "afiliación política"), ("label_ar", "")],
)
def test_a_fact_that_must_not_be_recorded_is_refused_with_a_reason(browser: Client, field: str, value: str) -> None:
    signed_in(browser, Role.PROGRAMME_MANAGER)
    reply = browser.post("/register/catalogue/propose/", PROPOSED | {field: value})
    assert reply.status_code == 200
    assert reply.context["form"].errors
    assert not CatalogueEntry.objects.exists()


@pytest.mark.parametrize("path", ["/register/catalogue/", "/register/data/"])
def test_every_member_can_read_what_is_kept(browser: Client, path: str) -> None:
    signed_in(browser, Role.FINANCE_OFFICER)
    assert "<table" in text(browser.get(path))


def test_the_data_dictionary_names_every_field_of_a_person(browser: Client) -> None:
    signed_in(browser, Role.VIEWER)
    page = text(browser.get("/register/data/"))
    for field in Individual._meta.concrete_fields:
        assert f"<code>{field.column}</code>" in page
