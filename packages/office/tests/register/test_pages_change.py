"""Correcting, moving, splitting, leaving: each change asks why, is written, and loses no colleague's work."""

import pytest
from django.test import Client
from packages.office.tests.register.desk_pages import NOON, areas, household, origin, signed_in, text

from amparo_office.register import access, service
from amparo_office.register.models import Access, Change, Household, Individual, RecordState
from amparo_office.register.sealing import Identity, Name
from amparo_office.register.service import NewHousehold, NewIndividual, enrol
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role

pytestmark = pytest.mark.usefixtures("everything_needed")

WHY = {"step": "save", "reason": "they said so"}


def family(*names: str) -> Household:
    """A household of these, the first of them its head."""
    members = [
        NewIndividual(identity=Identity(names=[Name(given=name)]), relationship="HEAD" if place == 0 else "OTHER")
        for place, name in enumerate(names)
    ]
    return enrol(NewHousehold(area="XA0101", members=members), origin=origin(), by=None, at=NOON)


def person(home: Household, place: int = 0) -> Individual:
    """A member, as they are now."""
    return home.members.order_by("id")[place]


def change(browser: Client, record: Household | Individual, what: str, **said: object) -> object:
    """Send a change of this record's present version."""
    kind = "households" if isinstance(record, Household) else "people"
    record.refresh_from_db()
    return browser.post(f"/register/{kind}/{record.ref}/change/{what}/", {"version": record.version, **WHY, **said})


def seen(who: StaffMember, home: Household) -> access.HouseholdView:
    """The household with everything, as a colleague opens it."""
    return access.read_household(home.id, by=who, purpose="service", at=NOON)


def test_a_name_is_corrected_after_it_was_opened_for_that(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    who = signed_in(browser, Role.REGISTRAR)
    path = f"/register/people/{person(home).ref}/change/names/"
    assert "Quintero" not in text(browser.get(path))
    assert not Access.objects.exists()
    opened = text(browser.post(path, {"step": "open"}))
    assert 'value="Quintero"' in opened
    assert Access.objects.get().purpose == "correction"
    answer = change(browser, person(home), "names", given="Luz", family="Quintana")
    assert answer["Location"] == f"/register/people/{person(home).ref}/"  # type: ignore[index] # Django's answer
    identity = seen(who, home).members[0].identity
    assert identity is not None
    assert [name.whole() for name in identity.names] == ["Luz Quintana"]
    assert (identity.telephone, len(identity.documents)) == ("+584120001122", 1)
    assert Change.objects.get().reason == "they said so"
    assert browser.post("/register/search/", {"words": "Quintana", "purpose": "service"}).context["results"]


def test_everything_of_a_person_can_be_corrected(browser: Client) -> None:
    areas()
    home = family("Luz", "Omar")
    who = signed_in(browser, Role.REGISTRAR)
    change(browser, person(home, 1), "birth", month="4", year="1999")
    change(browser, person(home, 1), "telephone", telephone="+58 414 999 8877")
    change(
        browser,
        person(home, 1),
        "papers",
        kind_1="passport",
        number_1="P1",
        country_1="ve",
        kind_3="other",
        number_3="X",
    )
    change(browser, person(home, 1), "relationship", answer="SON_DAUGHTER")
    change(browser, person(home, 1), "fact-disability", value="yes")
    omar = seen(who, home).members[1]
    assert omar.identity is not None
    assert (omar.birth_precision, omar.identity.telephone) == ("month", "+584149998877")
    assert [(paper.kind, paper.number, paper.country) for paper in omar.identity.documents] == [
        ("passport", "P1", "VE"),
        ("other", "X", ""),
    ]
    assert (omar.relationship, omar.facts["disability"], omar.version) == ("SON_DAUGHTER", 1, 6)


def test_everything_of_a_household_can_be_corrected(browser: Client) -> None:
    areas()
    home = family("Luz", "Omar")
    who = signed_in(browser, Role.REGISTRAR)
    change(browser, home, "area", answer="XA02")
    change(browser, home, "language", answer="fr")
    change(browser, home, "way", answer="phone")
    change(browser, home, "address", address="by the river")
    change(browser, home, "state", answer="validated")
    change(browser, home, "fact-rooms", value="4")
    change(browser, home, "collectors", primary=person(home, 1).id, alternate=person(home).id)
    change(browser, home, "head", head=person(home, 1).id, former="MOTHER_FATHER")
    now = seen(who, home)
    assert (now.area, now.language, now.by_phone, now.state) == ("XA02", "fr", True, "validated")
    assert now.dwelling is not None
    assert (now.dwelling.address, now.facts["rooms"]) == ("by the river", 4)
    assert {kind: each.name() for kind, each in now.collectors.items()} == {"primary": "Omar", "alternate": "Luz"}
    assert [each.relationship for each in now.members] == ["MOTHER_FATHER", "HEAD"]
    assert Change.objects.filter(household=home, by=who).count() == 8


def test_a_change_needs_a_reason(browser: Client) -> None:
    areas()
    home = family("Luz")
    signed_in(browser, Role.REGISTRAR)
    answer = change(browser, home, "language", answer="fr", reason="")
    assert "reason" in answer.context["form"].errors  # type: ignore[attr-defined] # Django's answer
    assert not Change.objects.exists()


def test_when_a_colleague_saved_meanwhile_both_versions_are_shown_and_nothing_is_lost(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    who = signed_in(browser, Role.REGISTRAR)
    path = f"/register/people/{person(home).ref}/change/telephone/"
    service.correct_individual(
        person(home).id,
        service.IndividualChanges(identity=Identity(names=[Name(given="Luz")], telephone="+584140000001")),
        version=1,
        reason="colleague",
        origin_source="desk",
        by=None,
        at=NOON,
    )
    answer = browser.post(path, {"telephone": "+584140000002", "version": "1", **WHY})
    assert answer.status_code == 409
    page = text(answer)
    assert page.index("+584140000001") < page.index("+584140000002")
    assert "Names, papers, telephone" in page
    stored = seen(who, home).members[0].identity
    assert stored is not None
    assert stored.telephone == "+584140000001"
    again = browser.post(path, {"telephone": "+584140000002", "version": str(answer.context["version"]), **WHY})
    assert again.status_code == 302
    stored = seen(who, home).members[0].identity
    assert stored is not None
    assert stored.telephone == "+584140000002"


def test_somebody_moves_to_another_household(browser: Client) -> None:
    areas()
    home, other = family("Luz", "Omar"), family("Ana")
    signed_in(browser, Role.REGISTRAR)
    omar = person(home, 1)
    change(browser, omar, "move", ref=other.ref.lower(), relationship="OTHER")
    omar.refresh_from_db()
    assert omar.household == other


def test_nobody_is_moved_into_a_household_of_another_area(browser: Client) -> None:
    areas()
    home, other = family("Luz", "Omar"), household("Ana", "A", area="XA02")
    signed_in(browser, Role.REGISTRAR, area="XA01")
    answer = change(browser, person(home, 1), "move", ref=other.ref, relationship="OTHER")
    assert "ref" in answer.context["form"].errors  # type: ignore[attr-defined] # Django's answer


def test_some_members_get_a_household_of_their_own(browser: Client) -> None:
    areas()
    home = family("Luz", "Omar", "Ana")
    signed_in(browser, Role.REGISTRAR)
    omar, ana = person(home, 1), person(home, 2)
    assert change(browser, home, "split", members=[omar.id], head=ana.id).status_code == 200  # type: ignore[attr-defined] # Django's answer
    change(browser, home, "split", members=[omar.id, ana.id], head=ana.id)
    for each in (omar, ana):
        each.refresh_from_db()
    assert omar.household == ana.household != home
    assert (ana.relationship, omar.relationship, home.members.count()) == ("HEAD", "UNKNOWN", 1)


def test_a_person_and_a_household_leave_the_register(browser: Client) -> None:
    areas()
    home = family("Luz", "Omar")
    signed_in(browser, Role.REGISTRAR)
    change(browser, person(home, 1), "leave")
    assert person(home, 1).state == RecordState.LEFT
    change(browser, home, "leave")
    home.refresh_from_db()
    assert home.state == RecordState.LEFT
    assert browser.get(f"/register/households/{home.ref}/change/language/").status_code == 404


def test_the_last_member_cannot_be_moved_away(browser: Client) -> None:
    areas()
    home, other = family("Luz"), family("Ana", "Omar")
    signed_in(browser, Role.REGISTRAR)
    answer = change(browser, person(home), "move", ref=other.ref, relationship="OTHER")
    assert "Nobody would stay" in text(answer)
    assert person(home).household == home


@pytest.mark.parametrize("what", ["fact-religion", "fact-birth_date", "fact-is_head", "x", "names"])
def test_what_cannot_be_recorded_cannot_be_changed(browser: Client, what: str) -> None:
    areas()
    home = family("Luz")
    signed_in(browser, Role.REGISTRAR)
    assert browser.get(f"/register/households/{home.ref}/change/{what}/").status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR, Role.GRIEVANCE_OFFICER, Role.PROGRAMME_MANAGER])
def test_only_who_may_change_changes(browser: Client, role: Role) -> None:
    areas()
    home = family("Luz")
    signed_in(browser, role)
    assert browser.get(f"/register/households/{home.ref}/change/state/").status_code == 403
    assert browser.post(f"/register/people/{person(home).ref}/change/names/", {"step": "open"}).status_code == 403


def test_nobody_changes_outside_their_area(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero", area="XA02")
    signed_in(browser, Role.REGISTRAR, area="XA01")
    assert browser.post(f"/register/people/{person(home).ref}/change/names/", {"step": "open"}).status_code == 404
    assert browser.get(f"/register/households/{home.ref}/change/state/").status_code == 404
