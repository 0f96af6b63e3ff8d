"""The register's list, counts, bulk change and search, as a browser sees them."""

import pytest
from django.test import Client
from packages.office.tests.register.desk_pages import NOON, areas, household, origin, signed_in, text

from amparo_common.clock import FixedClock
from amparo_office.register import bulk_state
from amparo_office.register.models import Access, Change, Household, Individual, RecordState
from amparo_office.register.sealing import Identity
from amparo_office.register.service import NewHousehold, NewIndividual, enrol_many
from amparo_staff.accounts.roles import Role
from amparo_staff.jobs.models import Job
from amparo_staff.jobs.service import run_next


def test_the_list_shows_households_without_names_and_writes_no_access(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.REGISTRAR)
    page = text(browser.get("/register/"))
    assert home.ref in page
    assert "Quintero" not in page
    assert "Well" in page
    assert not Access.objects.exists()


def test_names_of_heads_are_shown_after_a_purpose_and_each_is_written_down(browser: Client) -> None:
    areas()
    household("Luz", "Quintero")
    who = signed_in(browser, Role.REGISTRAR)
    page = text(browser.post("/register/", {"purpose": "list"}))
    assert "Luz Quintero" in page
    (row,) = Access.objects.all()
    assert (row.by, row.purpose, row.kinds, row.individual) == (who, "list", ["names"], Individual.objects.get())


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR, Role.PROGRAMME_MANAGER, Role.APPROVER])
def test_a_role_without_identity_sees_references_and_never_a_name(browser: Client, role: Role) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, role)
    for page in (
        text(browser.get("/register/")),
        text(browser.post("/register/", {"purpose": "list"})),
        text(browser.get(f"/register/households/{home.ref}/")),
        text(browser.post(f"/register/households/{home.ref}/", {"purpose": "service"})),
        text(browser.get(f"/register/people/{home.members.get().ref}/")),
        text(browser.post("/register/search/", {"words": "Quintero", "purpose": "service"})),
    ):
        assert "Quintero" not in page.replace('value="Quintero"', "")
        assert "584120001122" not in page
    assert not any("names" in row.kinds for row in Access.objects.filter(refused=False))


@pytest.mark.parametrize("role", [Role.FINANCE_OFFICER, Role.RECONCILER, Role.SHOP_MANAGER])
def test_a_role_without_the_register_is_shut_out(browser: Client, role: Role) -> None:
    signed_in(browser, role)
    for path in ("/register/", "/register/counts/", "/register/search/", "/register/new/", "/register/panic/"):
        assert browser.get(path).status_code == 403


def test_a_member_sees_only_their_area(browser: Client) -> None:
    areas()
    mine, other, nowhere = (
        household("A", "Mine"),
        household("B", "Other", area="XA02"),
        household("C", "None", area=None),
    )
    signed_in(browser, Role.REGISTRAR, area="XA01")
    page = text(browser.get("/register/"))
    assert mine.ref in page
    assert other.ref not in page
    assert nowhere.ref not in page
    for home in (other, nowhere):
        assert browser.get(f"/register/households/{home.ref}/").status_code == 404
        assert browser.get(f"/register/people/{home.members.get().ref}/").status_code == 404


def test_filters_find_what_they_say(browser: Client) -> None:
    areas()
    phone = household("A", "A", by_phone=True, rooms=3)
    paper = household("B", "B", area="XA02")
    Household.objects.filter(id=paper.id).update(state=RecordState.PAUSED)
    signed_in(browser, Role.VIEWER)

    def shows(query: str) -> set[str]:
        page = text(browser.get(f"/register/?{query}"))
        return {each.ref for each in (phone, paper) if each.ref in page}

    assert shows("") == {phone.ref, paper.ref}
    assert shows("state=paused") == {paper.ref}
    assert shows("area=XA01") == {phone.ref}
    assert shows("way=phone") == {phone.ref}
    assert shows("way=paper") == {paper.ref}
    assert shows(f"origin={phone.origin_id}") == {phone.ref}
    assert shows("fact=rooms&is=known") == {phone.ref}
    assert shows("fact=rooms&is=unknown") == {paper.ref}
    assert shows("since=2026-10-01&until=2026-10-01") == {phone.ref, paper.ref}
    assert shows("since=2026-10-02") == set()
    assert shows("state=nonsense&since=nonsense&origin=x") == {phone.ref, paper.ref}


def test_pages_hold_fifty_and_every_household_is_on_exactly_one(browser: Client) -> None:
    areas()
    new = [NewHousehold(area="XA01", members=[NewIndividual(identity=Identity())]) for _ in range(120)]
    enrol_many(new, origin=origin(), by=None, at=NOON)
    refs = set(Household.objects.values_list("ref", flat=True))
    signed_in(browser, Role.VIEWER)
    seen: list[str] = []
    url = "/register/?area=XA01"
    backwards = ""
    for expected in (50, 50, 20):
        answer = browser.get(url)
        rows = [row.ref for row in answer.context["page"].rows]
        assert len(rows) == expected
        seen += rows
        url = f"/register/?area=XA01&after={answer.context['page'].after}"
        backwards = f"/register/?area=XA01&before={answer.context['page'].before}"
    assert len(seen) == 120
    assert set(seen) == refs
    assert [row.ref for row in browser.get(backwards).context["page"].rows] == seen[50:100]


def test_counts_hide_numbers_under_ten(browser: Client) -> None:
    areas()
    new = [NewHousehold(area="XA01", members=[NewIndividual(identity=Identity())]) for _ in range(12)]
    enrol_many(new, origin=origin(), by=None, at=NOON)
    household("A", "A", area="XA02")
    signed_in(browser, Role.VIEWER)
    answer = browser.get("/register/counts/")
    assert answer.context["by_area"] == [("XA01", "North", 12), ("XA02", "South", None)]
    assert "under 10" in text(answer)


def test_a_bulk_change_shows_its_count_first_and_then_changes_all_that_the_filter_finds(browser: Client) -> None:
    areas()
    first, second, other = household("A", "A"), household("B", "B"), household("C", "C", area="XA02")
    Household.objects.filter(id=second.id).update(state=RecordState.VALIDATED)
    who = signed_in(browser, Role.VALIDATOR)
    answer = browser.post("/register/bulk/?area=XA01", {"state": "validated", "step": "check"})
    assert (answer.context["count"], answer.context["stays"]) == (1, 1)
    assert Household.objects.get(id=first.id).state == RecordState.NEW
    assert browser.post("/register/bulk/?area=XA01", {"state": "validated", "step": "do"}).status_code == 200
    assert not Change.objects.exists()
    answer = browser.post("/register/bulk/?area=XA01", {"state": "validated", "step": "do", "reason": "visited"})
    assert answer["Location"] == "/register/?area=XA01"
    states = dict(Household.objects.values_list("id", "state"))
    assert states == {first.id: "validated", second.id: "validated", other.id: "new"}
    (change,) = Change.objects.all()
    assert (change.household, change.by, change.reason, change.fields, change.version) == (
        first,
        who,
        "visited",
        ["state"],
        2,
    )


def test_a_bulk_change_of_many_is_a_job_that_changes_them(browser: Client) -> None:
    areas()
    new = [NewHousehold(area="XA01", members=[NewIndividual(identity=Identity())]) for _ in range(1001)]
    enrol_many(new, origin=origin(), by=None, at=NOON)
    signed_in(browser, Role.VALIDATOR)
    answer = browser.post("/register/bulk/", {"state": "validated", "step": "do", "reason": "visited"})
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.id}"
    assert run_next(FixedClock(NOON))
    assert Household.objects.filter(state=RecordState.VALIDATED, version=2).count() == 1001
    assert Job.objects.get().result == {"changed": 1001}


def test_one_member_pauses_few_by_lists_in_a_day_however_they_are_cut(browser: Client) -> None:
    areas()
    for area, count in (("XA01", bulk_state.MOST_PAUSED), ("XA02", 1)):
        new = [NewHousehold(area=area, members=[NewIndividual(identity=Identity())]) for _ in range(count)]
        enrol_many(new, origin=origin(), by=None, at=NOON)
    signed_in(browser, Role.VALIDATOR)
    order = {"state": "paused", "step": "do", "reason": "flood"}
    assert browser.post("/register/bulk/", order).status_code == 403
    assert browser.post("/register/bulk/?area=XA01", order).status_code == 302
    answer = browser.post("/register/bulk/?area=XA02", order)
    assert answer.status_code == 403
    assert "one person" in text(answer)
    assert Household.objects.filter(state=RecordState.PAUSED).count() == bulk_state.MOST_PAUSED
    back = {"state": "validated", "step": "do", "reason": "visited"}
    assert browser.post("/register/bulk/", back).status_code == 302


def test_a_viewer_cannot_change_in_bulk(browser: Client) -> None:
    signed_in(browser, Role.VIEWER)
    assert browser.post("/register/bulk/", {"state": "paused", "step": "do", "reason": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("Quintero", "the same name"),
        ("Kintero", "sounds alike"),
        ("quint", "begins alike"),
        ("+58 412 000 1122", "number"),
    ],
)
def test_a_search_says_why_somebody_was_found_and_writes_the_reading(browser: Client, words: str, why: str) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.REGISTRAR)
    page = text(browser.post("/register/search/", {"words": words, "purpose": "service"}))
    assert home.members.get().ref in page
    assert "Luz Quintero" in page
    assert why in page
    assert Access.objects.get().purpose == "service"


def test_a_search_needs_a_purpose_and_finds_nobody_outside_the_area(browser: Client) -> None:
    areas()
    household("Luz", "Quintero", area="XA02")
    signed_in(browser, Role.REGISTRAR, area="XA01")
    assert browser.post("/register/search/", {"words": "Quintero"}).context["form"].errors
    assert browser.post("/register/search/", {"words": "Quintero", "purpose": "service"}).context["results"] == []
    assert not Access.objects.filter(refused=False).exists()


def test_a_reference_leads_to_its_page_for_every_role_that_sees_the_register(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    signed_in(browser, Role.VIEWER)
    typed = home.ref.lower().replace("-", " ")
    assert browser.post("/register/search/", {"words": typed})["Location"] == f"/register/households/{home.ref}/"
    person = home.members.get().ref
    assert browser.post("/register/search/", {"words": person})["Location"] == f"/register/people/{person}/"
    assert browser.post("/register/search/", {"words": "H-0000-0000"}).status_code == 200
