"""Reading many for a list that leaves: written down first, once, so small that nobody saves it, and shown to each person."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages.office.tests.register.people import (
    ADDRESS,
    NOON,
    NUMBER,
    TELEPHONE,
    areas,
    enrolled,
    enrolled_person,
    person,
)
from tests.servers.desk import member

from amparo_office.register import access, access_lists, access_pages, erasure, person_file, retention
from amparo_office.register.access_lists import ListedHome, ListedPerson, read_homes, read_people
from amparo_office.register.access_pages import PAGE, Numbers
from amparo_office.register.models import Access, AccessPage, Collector, Household, Individual, RecordState
from amparo_office.register.sealing import open_identity
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role

HOME, PERSON = AccessPage.Kind.HOUSEHOLD, AccessPage.Kind.INDIVIDUAL


def homes(
    *wanted: Household | Individual, identity: bool = True, by: StaffMember | None = None
) -> dict[int, ListedHome]:
    """A list of these households."""
    numbers = [each.id if isinstance(each, Household) else each.household_id or 0 for each in wanted]
    return {each.id: each for part in read_homes(numbers, identity=identity, by=by, at=NOON) for each in part}


def people(*wanted: Household, identity: bool = True, by: StaffMember | None = None) -> list[ListedPerson]:
    """A list of the people in these households."""
    found = read_people([each.id for each in wanted], identity=identity, by=by, at=NOON)
    return [each for part in found for each in part]


def family() -> Household:
    """Ana, who is the head and receives, and Luis."""
    return enrolled(person("Ana", relationship="HEAD", telephone=TELEPHONE), person("Luis", number=NUMBER))


def named(home: Household, name: str) -> Individual:
    """The member with this name; looking leaves no trace here."""
    found = {}
    for row in home.members.all():
        identity = open_identity(vault().key(row.key), row.id, bytes(row.sealed or b""))
        found[identity.names[0].given] = row
    return found[name]


def test_a_list_of_households_holds_who_leads_them_who_receives_and_where_they_live(desk_database: str) -> None:
    home = family()
    listed = homes(home)[home.id]
    assert listed.head is not None
    assert listed.collector is not None
    assert (listed.head.names[0].given, listed.collector.telephone, listed.address) == ("Ana", TELEPHONE, ADDRESS)
    assert (listed.ref, listed.members, listed.head.documents) == (home.ref, 2, [])


def test_a_list_of_people_holds_everybody_household_by_household(desk_database: str) -> None:
    first, second = family(), family()
    listed = people(second, first)
    assert [each.household for each in listed] == [second.id, second.id, first.id, first.id]
    luis = listed[1]
    assert luis.identity is not None
    assert (luis.identity.names[0].given, luis.identity.documents[0].number) == ("Luis", NUMBER)
    assert (luis.household_ref, luis.relationship) == (second.ref, "OTHER")


def test_a_list_is_one_reading_that_each_persons_list_and_file_shows(desk_database: str) -> None:
    home, other = family(), family()
    by = member(Role.VALIDATOR)
    people(home, by=by)
    (line,) = Access.objects.all()
    for who in home.members.all():
        (shown,) = access.accesses_of(who.id)
        assert shown == line
        assert (shown.by, shown.at, shown.purpose) == (by, NOON, "export")
        assert set(shown.kinds) == access_lists.PEOPLE
    assert list(access.accesses_of_household(home.id)) == [line]
    assert not access.accesses_of_household(other.id).exists()
    assert not any(access.accesses_of(who.id).exists() for who in other.members.all())
    with zipfile.ZipFile(
        io.BytesIO(person_file.write(named(home, "Luis").id, by=None, at=NOON, language="en"))
    ) as file:
        said = json.loads(file.read("record.json"))["accesses"]
    assert [(each["by"], each["purpose"]) for each in said if each["by"]] == [(by.name, "To export with two people")]


def test_whoever_is_not_named_in_a_list_of_households_sees_that_of_their_household_was_read(desk_database: str) -> None:
    home = family()
    homes(home)
    assert access_pages.readings_of(PERSON, named(home, "Ana").id)
    assert not access_pages.readings_of(PERSON, named(home, "Luis").id)
    assert len(access.accesses_of(named(home, "Luis").id)) == 1


def test_a_list_without_names_opens_nobody_and_says_so(desk_database: str) -> None:
    home = family()
    listed = homes(home, identity=False)[home.id]
    assert (listed.head, listed.collector, listed.address, listed.members) == (None, None, "", 2)
    assert [each.identity for each in people(home, identity=False)] == [None, None]
    assert [set(each.kinds) for each in Access.objects.all()] == [{"facts", "place"}] * 2
    assert not AccessPage.objects.filter(access=Access.objects.earliest("id"), kind=PERSON).exists()


@pytest.mark.parametrize("role", [Role.PROGRAMME_MANAGER, Role.AUDITOR])
def test_a_role_without_identity_gets_a_list_without_names(desk_database: str, role: Role) -> None:
    home, by = family(), member(role)
    listed = homes(home, by=by)[home.id]
    assert (listed.head, listed.collector, listed.address) == (None, None, "")
    assert [each.identity for each in people(home, by=by)] == [None, None]
    assert not any(access.IDENTITY & set(each.kinds) for each in Access.objects.all())


def test_households_outside_the_readers_areas_are_neither_listed_nor_noted(desk_database: str) -> None:
    areas("VE01", "VE0101", "VE02")
    here, there = enrolled_person("Ana", area="VE0101"), enrolled_person("Berta", area="VE02")
    assert list(homes(there, here, by=member(Role.VALIDATOR, area="VE01"))) == [here.household_id]
    assert not access.accesses_of(there.id).exists()
    assert access.accesses_of(here.id).exists()


def test_a_list_keeps_its_order_over_all_its_parts(desk_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_lists, "AT_ONCE", 2)
    made = [family() for _ in range(5)][::-1]
    assert list(homes(*made)) == [each.id for each in made]
    assert [each.household for each in people(*made)][::2] == [each.id for each in made]
    assert Access.objects.count() == 2


def test_whoever_came_after_a_list_was_written_down_is_not_read_for_it(desk_database: str) -> None:
    home, late = enrolled(person("Ana")), enrolled(person("Zoe"))
    found = read_people([home.id], identity=True, by=None, at=NOON)
    zoe = late.members.get()
    Individual.objects.filter(id=zoe.id).update(household=home)
    (part,) = found
    assert [each.identity and each.identity.names[0].given for each in part] == ["Ana"]
    found_homes = read_homes([home.id], identity=True, by=None, at=NOON)
    Individual.objects.filter(id=zoe.id).update(relationship="HEAD")
    ((listed,),) = found_homes
    assert (listed.members, listed.head) == (2, None)
    assert not access_pages.readings_of(PERSON, zoe.id)


def test_merged_members_are_not_listed_and_the_head_of_now_comes_before_one_who_left(desk_database: str) -> None:
    home = enrolled(*(person(name) for name in ("Ana", "Luis", "Eva", "Twin")))
    left, now, _, twin = home.members.order_by("id")
    Individual.objects.filter(id=left.id).update(relationship="HEAD", state=RecordState.LEFT)
    Individual.objects.filter(id=twin.id).update(state=RecordState.MERGED)
    assert _head(home) == "Ana"
    Individual.objects.filter(id=now.id).update(relationship="HEAD")
    assert _head(home) == "Luis"
    assert (homes(home)[home.id].members, twin.id in {each.id for each in people(home)}) == (3, False)


def _head(home: Household) -> str:
    head = homes(home)[home.id].head
    return "" if head is None else head.names[0].given


def test_who_receives_for_a_household_without_living_there_sees_the_list_too(desk_database: str) -> None:
    home, neighbour = family(), enrolled_person("Nora")
    Collector.objects.filter(household=home).delete()
    Collector.objects.create(household=home, individual=neighbour, kind=Collector.Kind.PRIMARY)
    collector = homes(home)[home.id].collector
    assert collector is not None
    assert collector.names[0].given == "Nora"
    assert len(access.accesses_of(neighbour.id)) == 1


def test_a_record_whose_key_is_gone_is_left_out(desk_database: str) -> None:
    home, other = family(), family()
    vault().destroy([home.key, named(other, "Luis").key])
    assert list(homes(home, other)) == [other.id]
    assert [each.identity and each.identity.names[0].given for each in people(other)] == ["Ana"]


# --- what goes with a person, and with time ------------------------------------------------------------------------------


def test_a_list_says_nothing_of_an_erased_person_any_longer(desk_database: str) -> None:
    home, other = family(), family()
    people(home, other)
    luis = named(home, "Luis")
    erasure.erase_individual(luis.id, by=None, at=NOON)
    assert access_pages.readings_of(PERSON, luis.id) == []
    assert access_pages.readings_of(PERSON, named(home, "Ana").id)
    for each in (home, other):
        erasure.erase_household(each.id, by=None, at=NOON)
    assert not AccessPage.objects.exists()
    assert Access.objects.count() == 1


def test_lists_are_kept_for_five_years_at_most(desk_database: str) -> None:
    home = family()
    people(home)
    later = NOON + retention.READINGS
    retention.run(later)
    assert AccessPage.objects.count() == 2
    assert retention.run(later + timedelta(days=1)).readings == 1
    assert not AccessPage.objects.exists()
    assert not Access.objects.exists()


def test_a_record_erased_while_a_list_was_written_down_is_forgotten_in_the_night(desk_database: str) -> None:
    home = family()
    people(home)
    line = Access.objects.get()
    access_pages.write(line, Numbers([home.id + 1]), Numbers([10 * PAGE + 7]))
    retention.run(NOON)
    assert access_pages.readings_of(HOME, home.id + 1) == access_pages.readings_of(PERSON, 10 * PAGE + 7) == []
    assert access_pages.readings_of(HOME, home.id) == [line.id]
    assert AccessPage.objects.count() == 2


def test_no_way_leads_from_a_person_in_a_list_to_what_the_list_was_for() -> None:
    """R8: neither the reading nor its pages refer to the export, which names a programme, nor the export to them."""
    led = {
        model.__name__: {field.related_model.__name__ for field in model._meta.get_fields() if field.related_model}
        for model in (Access, AccessPage)
    }
    assert led == {
        "Access": {"Household", "Individual", "StaffMember", "AccessPage"},
        "AccessPage": {"Access"},
    }


@given(st.sets(st.integers(0, 5 * PAGE)), st.integers(0, 6 * PAGE))
def test_a_set_of_numbers_holds_what_was_put_in_and_nothing_else(numbers: set[int], other: int) -> None:
    held = Numbers(numbers)
    assert all(each in held for each in numbers)
    assert (other in held) == (other in numbers)
    assert all(len(bits) == PAGE // 8 and any(bits) for _, bits in held.pages())
    assert [page for page, _ in held.pages()] == sorted({each // PAGE for each in numbers})


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_of_many_takes_a_page_for_a_thousand_not_a_row_for_each(desk_database: str, count: int) -> None:
    line = Access.objects.create(at=NOON, by=None, purpose="export", kinds=[])
    access_pages.write(line, Numbers(), Numbers(range(count * PAGE)))
    assert AccessPage.objects.count() == count
    held = [bytes(each.bits) for each in AccessPage.objects.all()]
    assert held == [b"\xff" * 128] * count
