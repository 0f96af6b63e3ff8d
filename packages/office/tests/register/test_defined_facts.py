"""A fact that the log defines is asked, typed in, imported and handed out like one of the catalogue, once a programme needs it."""

import io

import msgspec
import openpyxl  # type: ignore[import-untyped] # brings no types
import pytest
from django.test import Client
from django.urls import reverse
from packages.office.tests.register.desk_pages import NOON, areas, household, signed_in, text
from packages.office.tests.register.people import enrolled, person
from packages.office.tests.register.test_catalogue import LABELS, roof
from packages.office.tests.register.test_needs import DAY, INCOME, ROOMS, WEEK, YEAR, publish
from packages.office.tests.town_log import TownLog, asking, publish_rule
from tests.servers.desk import member

from amparo_common import canonical
from amparo_common.bridge import FactDefined, KeyAnnounced, RulePublished
from amparo_common.clock import FixedClock
from amparo_office.desk import place, public_log
from amparo_office.errors import FactDefinitionRefused, FactNotNeeded
from amparo_office.intake.targets import fact_code, own_name, targets
from amparo_office.intake.template_book import write_template
from amparo_office.intake.xlsform import write_form
from amparo_office.register import catalogue, needs
from amparo_office.register.forms_filter import households, read_filter
from amparo_office.register.models import CatalogueEntry, Household
from amparo_office.register.retention import run
from amparo_rules.catalogue import Entity, FactDefinition, FactType
from amparo_rules.errors import FactOutOfRange, UnknownFact
from amparo_rules.rule import read_rule
from amparo_service.keys import signing_key
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import answer
from amparo_staff.jobs.service import run_next

ROOF: tuple[Entity, str] = ("household", "roof_type")


def in_the_log(definition: FactDefinition) -> FactDefined:
    """What the log says about it."""
    return FactDefined(definition.entity, definition.name, canonical.encode(definition).decode(), approvals=2)


def say(log: TownLog, *definitions: FactDefinition) -> None:
    """Put definitions into the log, past the desk."""
    key = signing_key(place.folder(), "publish-key")
    log.publish(KeyAnnounced(purpose="office", jwk=key.public.jwk), key)
    for definition in definitions:
        log.publish(in_the_log(definition), key)


def by_two_people(definition: FactDefinition) -> None:
    """Define a fact as the desk does it: proposed, approved, published by a job."""
    first, second = (member(Role.PROGRAMME_MANAGER, login=login) for login in ("first", "second"))
    catalogue.propose(definition, reason="the roof programme needs it", by=first, at=NOON)
    answer(Approval.objects.get(), by=second, yes=True, why="", at=NOON)
    assert run_next(FixedClock(NOON))


@pytest.fixture
def roofs(town_log: TownLog, desk_database: str, monkeypatch: pytest.MonkeyPatch) -> TownLog:
    """A log in which two people defined the roof, and then a programme asked for it."""
    key = signing_key(place.folder(), "publish-key")
    town_log.publish(KeyAnnounced(purpose="office", jwk=key.public.jwk), key)
    monkeypatch.setattr(public_log, "required", lambda: town_log)
    by_two_people(roof())
    publish(town_log, asking("roofs", "1", ROOF, INCOME, defined=needs.defined()))
    return town_log


def test_a_defined_fact_is_asked_only_once_a_programme_needs_it(
    browser: Client, town_log: TownLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas()
    publish(town_log)
    monkeypatch.setattr(public_log, "required", lambda: town_log)
    by_two_people(roof())
    assert needs.needed(NOON) == frozenset()
    with pytest.raises(FactNotNeeded):
        catalogue.check_facts("household", {"roof_type": 1}, needs.needed(NOON))
    signed_in(browser, Role.REGISTRAR)
    assert "Type of roof" not in text(browser.get("/register/new/"))
    publish_rule(town_log, asking("roofs", "1", ROOF, defined=needs.defined()))
    assert needs.needed(NOON) == {ROOF}
    catalogue.check_facts("household", {"roof_type": 1}, needs.needed(NOON))
    assert "Type of roof" in text(browser.get("/register/new/"))
    row = text(browser.get(reverse("register-catalogue"))).partition("<code>roof_type")[2].partition("</tr>")[0]
    assert row
    assert "No programme needs it" not in row


def test_a_household_is_enrolled_with_a_defined_fact_page_by_page(browser: Client, roofs: TownLog) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    browser.post("/register/new/")
    for slug, said in (
        ("area", {"answer": "XA0101"}),
        ("language", {"answer": "es"}),
        ("way", {"answer": "paper"}),
        ("address", {}),
        ("fact-monthly_income", {"value": "10"}),
    ):
        browser.post(f"/register/new/{slug}/", said)
    assert "From 1 to 6." in text(browser.get("/register/new/fact-roof_type/"))
    assert browser.post("/register/new/fact-roof_type/", {"value": "7"}).status_code == 200
    assert browser.post("/register/new/fact-roof_type/", {"value": "4"})["Location"] == "/register/new/member-0-name/"
    browser.post("/register/new/member-0-name/", {"given": "Ana"})
    browser.post("/register/new/finish/")
    assert Household.objects.get().facts == {"monthly_income": 1_000, "roof_type": 4}


def test_templates_forms_and_columns_offer_a_defined_fact_that_is_needed(roofs: TownLog) -> None:
    say(roofs, roof(name="wall_type"))
    needed, known = needs.needed(NOON), catalogue.known()
    for language, label in LABELS.items():
        assert any(label in target.words for target in targets(needed, known, language))
    homes = openpyxl.load_workbook(io.BytesIO(write_template(needed, known, "en")))["Households"]
    names = {cell.value for cell in homes[1]}
    assert "roof_type" in names
    assert "wall_type" not in names
    form = openpyxl.load_workbook(io.BytesIO(write_form(needed, known, name="f", title="F", version="1")))["survey"]
    asked = [[str(cell.value) for cell in row] for row in form.rows]
    (question,) = [row for row in asked if "roof_type" in row]
    assert any("1" in cell and "6" in cell for cell in question)


def test_a_defined_fact_that_is_called_like_a_column_of_the_desk_has_a_column_of_its_own() -> None:
    assert own_name(fact_code("person", "age")) == "fact_age"
    assert own_name(fact_code("household", "roof_type")) == "roof_type"


def test_a_list_is_filtered_by_a_defined_fact(browser: Client, roofs: TownLog) -> None:
    areas()
    known, unknown = household("Ana", "Paz", roof_type=4), household("Eva", "Sol")
    signed_in(browser, Role.REGISTRAR)
    page = text(browser.get(reverse("register-list")))
    assert '<option value="roof_type"' in page
    for how, home in (("known", known), ("unknown", unknown)):
        assert list(households(read_filter({"fact": "roof_type", "is": how}), [""])) == [home]
    assert read_filter({"fact": "wall_type"}).fact == ""


def test_a_fact_may_be_called_like_a_word_of_the_database(town_log: TownLog, desk_database: str) -> None:
    say(town_log, roof(name="range"))
    home = household("Ana", "Paz", area=None, range=4)
    assert list(households(read_filter({"fact": "range"}), [""])) == [home]
    assert not households(read_filter({"fact": "range", "is": "unknown"}), [""]).exists()


def test_a_defined_fact_that_no_programme_needs_any_more_ends(roofs: TownLog) -> None:
    home = enrolled(person("Ana"))
    Household.objects.filter(id=home.id).update(facts={"roof_type": 4})
    publish(roofs, asking("roofs", "2", INCOME))
    assert run(NOON + WEEK + YEAR - DAY).facts == 0
    assert run(NOON + WEEK + YEAR + DAY).facts == 1
    home.refresh_from_db()
    assert home.facts == {}


# --- what the log says counts, and in which order ---------------------------------------------------------------------------


def test_a_fact_that_was_defined_after_the_rule_is_asked_of_nobody_and_stops_nothing(
    browser: Client, town_log: TownLog
) -> None:
    areas()
    publish(town_log, asking("food", "1", ROOMS))
    say(town_log)
    source = asking("roofs", "1", ROOF, defined={ROOF: roof()})
    key = signing_key(place.folder(), "publish-key")
    rule = read_rule(source, (in_the_log(roof()),))
    town_log.publish(RulePublished("roofs", "1", rule.rule_hash, 7, source), key)
    town_log.publish(in_the_log(roof()), key)
    assert ROOF in catalogue.known()
    assert needs.needed(NOON) == {ROOMS}
    assert needs.programmes().keys() == {"food"}
    signed_in(browser, Role.REGISTRAR)
    page = text(browser.get("/register/new/"))
    assert "Rooms of the dwelling" in page
    assert "Type of roof" not in page
    publish_rule(town_log, asking("roofs", "2", ROOF, defined=needs.defined()))
    assert needs.needed(NOON) == {ROOMS, ROOF}


def test_a_second_definition_of_the_name_changes_no_range(roofs: TownLog) -> None:
    say(roofs, roof(type=FactType(kind="int", min=0, max=99)))
    assert catalogue.known()[ROOF] == roof()
    for value in (0, 7, 99):
        with pytest.raises(FactOutOfRange):
            catalogue.check_facts("household", {"roof_type": value})


def test_what_somebody_wrote_into_the_database_does_not_change_a_definition(roofs: TownLog) -> None:
    wider = canonical.encode(roof(type=FactType(kind="int", min=0, max=99), retention_days=3_650)).decode()
    assert CatalogueEntry.objects.update(definition=wider) == 1
    assert catalogue.known()[ROOF] == roof()
    with pytest.raises(FactOutOfRange):
        catalogue.check_facts("household", {"roof_type": 99})


@pytest.mark.parametrize(
    "wrong",
    [
        roof(name="party_card"),
        roof(purpose="to know how they voted"),
        roof(label=LABELS | {"fr": "appartenance ethnique"}),
        roof(type=FactType(kind="int", min=0, max=10**15 + 1)),
    ],
    ids=["name", "purpose", "label", "range"],
)
def test_a_definition_in_the_log_that_is_not_allowed_defines_nothing(
    town_log: TownLog, desk_database: str, wrong: FactDefinition
) -> None:
    say(town_log, wrong)
    assert (wrong.entity, wrong.name) not in catalogue.known()


def test_a_name_that_the_log_has_taken_is_not_proposed_again(town_log: TownLog, desk_database: str) -> None:
    say(town_log, roof())
    with pytest.raises(FactDefinitionRefused):
        catalogue.propose(roof(retention_days=30), reason="r", by=member(Role.PROGRAMME_MANAGER), at=NOON)


def test_a_desk_whose_database_lost_the_entry_still_knows_what_the_log_defines(roofs: TownLog) -> None:
    CatalogueEntry.objects.all().delete()
    catalogue.check_facts("household", {"roof_type": 4}, needs.needed(NOON))
    with pytest.raises(UnknownFact):
        catalogue.check_facts("household", {"wall_type": 4})
    assert msgspec.to_builtins(catalogue.known()[ROOF]) == msgspec.to_builtins(roof())
