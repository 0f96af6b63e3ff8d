"""Finding people without reading names: spellings, scripts, beginnings, numbers, areas."""

import contextlib
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from packages.office.tests.register.people import (
    NOON,
    NUMBER,
    TELEPHONE,
    areas,
    enrolled,
    enrolled_person,
    found_under,
    origin,
    person,
)
from packages.office.tests.register.variants import pairs

from amparo_common.secret import Secret
from amparo_office.register import bulk, search, service, words
from amparo_office.register.models import Collector, Household, Individual, RecordState, SearchKey, SearchKind
from amparo_office.register.sealing import Identity
from amparo_office.register.service import NewHousehold
from amparo_office.register.vault import vault


def find(said: str, *under: str) -> list[int]:
    return search.find(said, areas=list(under) or [""])


def test_spellings_of_one_name_find_each_other(desk_database: str) -> None:
    """150 of the 153 pairs in `variants`: a list of ours, so a floor for these rules and no figure for any country."""
    every = pairs()
    new = [NewHousehold(members=[person(name)]) for _, name, _ in every]
    service.enrol_many(new, origin=origin(), by=None, at=NOON)
    named = dict(zip(Individual.objects.order_by("id").values_list("id", flat=True), every, strict=True))
    found = Counter(
        language for number, (language, _, typed) in named.items() if number in search.find(typed, areas=[""], limit=60)
    )
    assert len(every) >= 120
    assert found == Counter({"ar": 72, "es": 44, "fr": 14, "pt": 11, "en": 9})


def test_the_nearest_spelling_comes_first(desk_database: str) -> None:
    far, near = enrolled_person("Mariela Gonzales"), enrolled_person("María González")
    assert find("María González") == [near.id]
    assert find("mari gonza") == [near.id, far.id]


def test_all_words_must_be_there_in_any_order_and_in_one_persons_names(desk_database: str) -> None:
    one = enrolled_person("Ana Lucía", "آنا")
    enrolled_person("Ana Belén")
    assert find("lucia ana") == [one.id]
    assert find("آنا")[0] == one.id
    assert find("ana pedro") == []


def test_the_beginning_of_a_word_is_enough(desk_database: str) -> None:
    made = enrolled_person("Maribel Urdaneta")
    assert [find(said) for said in ("mar", "marib", "urda mari", "ma")] == [[made.id], [made.id], [made.id], []]


@pytest.mark.parametrize("said", [TELEPHONE, "+58 414 555-0123", NUMBER, NUMBER.lower(), "v 19283746"])
def test_a_whole_number_finds_its_person(desk_database: str, said: str) -> None:
    made = enrolled_person("Ana")
    enrolled_person("Berta", telephone="+584145550124", number="V-1")
    assert find(said) == [made.id]


@pytest.mark.parametrize("said", ["", "   ", "--", "'", "+5841455501", "ـ", "\u200f"])
def test_what_is_no_name_finds_nobody(desk_database: str, said: str) -> None:
    enrolled_person("Ana")
    assert find(said) == []


def test_only_people_in_the_members_areas_are_found(desk_database: str) -> None:
    areas("VE01", "VE0102", "VE02")
    here, there = enrolled_person("Ana Rojas", area="VE0102"), enrolled_person("Ana Rojas", area="VE02")
    nowhere = enrolled_person("Ana Rojas")
    assert set(find("ana rojas", "")) == {here.id, there.id, nowhere.id}
    assert (find("ana rojas", "VE01"), find("ana rojas", "VE02")) == ([here.id], [there.id])
    assert set(find("ana rojas", "VE0102", "VE02")) == {here.id, there.id}
    assert search.find("ana rojas", areas=[]) == find("ana rojas", "VE03") == []
    assert find(TELEPHONE, "VE03") == []


def test_a_collector_without_a_household_is_found_where_they_collect(desk_database: str) -> None:
    areas("VE01")
    home = enrolled(person("Luis", relationship="HEAD"), person("Petra Colina"), area="VE01")
    petra = Individual.objects.get(relationship="OTHER")
    service.set_collectors(
        home.id, primary=petra.id, alternate=None, version=1, reason="r", origin_source="s", by=None, at=NOON
    )
    Individual.objects.filter(id=petra.id).update(household=None)
    assert find("petra", "VE01") == [petra.id]
    assert find("petra", "VE02") == []


def _has(person: Individual, said: str) -> bool:
    """Whether a person's own digests answer for every word, in the wide sense."""
    key, own = vault().index_key, set(search.unpack(person.searched))
    codes = [
        {search.digest(key, SearchKind.SOUND, code) for code in search.sounds(word)}
        | {search.digest(key, SearchKind.START, start) for start in search.starts(word)}
        for word in words.words(said)
    ]
    return all(own & each for each in codes)


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param({}, id="as it is"),
        pytest.param({"ROW": 3}, id="many rows of the index"),
        pytest.param({"_MANY": 1}, id="only neighbours looked at"),
        pytest.param({"_MANY": 1, "_MANY_HOMES": 1}, id="too many neighbours to list"),
        pytest.param({"_MANY": 1, "_SCOPED_AT_ONCE": 2}, id="looked at in many parts"),
    ],
)
def test_in_whatever_way_the_index_is_read_the_same_people_are_found(
    desk_database: str, monkeypatch: pytest.MonkeyPatch, reading: dict[str, int]
) -> None:
    for name, value in reading.items():
        monkeypatch.setattr(search, name, value)
    areas("VE01", "VE02")
    dice = random.Random(7)
    given, family = ("Ana", "Luisa", "محمد", "Jorge"), ("Rojas", "Roxas", "Solís", "حداد")
    service.enrol_many(
        (
            NewHousehold(
                members=[person(f"{dice.choice(given)} {dice.choice(family)}"), person(dice.choice(given))],
                area=dice.choice(("VE01", "VE02", None)),
            )
            for _ in range(30)
        ),
        origin=origin(),
        by=None,
        at=NOON,
    )
    home = Household.objects.filter(area="VE01").latest("id")
    petra, luis = home.members.latest("id"), Individual.objects.filter(household__area=None).latest("id")
    Individual.objects.filter(id=petra.id).update(household=None)
    for kind, each in ((Collector.Kind.PRIMARY, petra), (Collector.Kind.ALTERNATE, luis)):
        Collector.objects.update_or_create(household=home, kind=kind, defaults={"individual": each})
    people = {each.id: each for each in Individual.objects.select_related("household")}
    places = {each.id: (each.household and each.household.area_id) or "" for each in people.values()}
    places |= {petra.id: "VE01", luis.id: "VE01"}  # they collect for a household there
    for said in ("ana rojas", "rojas", "ana", "محمد حداد", "mohamed haddad", "jorge", "solis luisa", "ana wxyq"):
        for under in ("", "VE01", "VE02"):
            expected = {
                number for number, place in places.items() if place.startswith(under) and _has(people[number], said)
            }
            assert set(search.find(said, areas=[under], limit=100)) == expected, (said, under)


def test_however_common_a_name_is_elsewhere_it_is_found_in_a_small_area(
    desk_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_MANY", 1)
    monkeypatch.setattr(search, "_LONGEST_SCOPING", 2)
    areas("VE01", "VE02")
    for _ in range(5):
        enrolled_person("Ana Rojas", area="VE01")
    here = enrolled_person("Ana Rojas", area="VE02")
    assert find("ana rojas", "VE02") == find("ana", "VE02") == [here.id]


def test_who_was_merged_into_another_is_not_found(desk_database: str) -> None:
    made = enrolled_person("Ana Rojas")
    Individual.objects.filter(id=made.id).update(state=RecordState.MERGED)
    assert find("ana rojas") == []


def test_there_are_never_more_results_than_asked_for(desk_database: str) -> None:
    service.enrol_many(
        (NewHousehold(members=[person("Ana Rojas")]) for _ in range(8)), origin=origin(), by=None, at=NOON
    )
    assert len(search.find("ana rojas", areas=[""], limit=5)) == 5


def test_a_corrected_name_is_found_and_the_former_one_is_not(desk_database: str) -> None:
    made = enrolled_person("Ana Rojas")
    changes = service.IndividualChanges(identity=person("Berta Solís").identity)
    service.correct_individual(made.id, changes, version=1, reason="r", origin_source="s", by=None, at=NOON)
    assert (find("ana rojas"), find(TELEPHONE), find("berta solis")) == ([], [], [made.id])


def test_the_index_holds_no_text_and_only_what_its_people_say_they_have(desk_database: str) -> None:
    made = enrolled_person("Ana Rojas", "آنا")
    assert found_under() == {(digest, made.id) for digest in search.unpack(made.searched)}


def several(*names: str) -> list[Individual]:
    """People of these names who came together."""
    new = [NewHousehold(members=[person(name)]) for name in names]
    service.enrol_many(new, origin=origin(), by=None, at=NOON)
    return list(Individual.objects.order_by("id"))[-len(names) :]


def everybodys() -> set[tuple[int, int]]:
    """What people say they have."""
    return {(value, each.id) for each in Individual.objects.all() for value in search.unpack(each.searched)}


def index_rows() -> list[tuple[int, int, bytes]]:
    """The index as it stands."""
    return sorted((row.digest, row.first_individual, bytes(row.individuals)) for row in SearchKey.objects.all())


def test_who_came_together_stands_in_common_rows_of_the_index(
    desk_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ROW", 4)
    people = several(*["Ana Rojas"] * 9, "Luis")
    assert found_under() == everybodys()
    rows = [(row.first_individual, search.unpack_people(row.individuals).tolist()) for row in SearchKey.objects.all()]
    assert all(first == those[0] and those == sorted(set(those)) for first, those in rows)
    ids = [each.id for each in people]
    assert {tuple(those) for _, those in rows} == {tuple(ids[:4]), tuple(ids[4:8]), (ids[8],), (ids[9],)}


@pytest.mark.parametrize("row", [1, 2, 5, 250])
def test_whoever_goes_leaves_no_number_behind_and_everybody_else_stays_found(
    desk_database: str, monkeypatch: pytest.MonkeyPatch, row: int
) -> None:
    monkeypatch.setattr(search, "ROW", row)
    people = several(*["Ana Rojas", "Ana Solís", "Luis"] * 3)
    dice = random.Random(row)
    dice.shuffle(people)
    for gone in people:
        search.remove_person(gone.id, gone.searched)
        Individual.objects.filter(id=gone.id).delete()
        assert found_under() == everybodys()
        assert gone.id not in SearchKey.objects.values_list("first_individual", flat=True)
    assert not SearchKey.objects.exists()


def test_rows_that_reach_into_each_other_lose_only_who_goes(desk_database: str) -> None:
    people = several(*["Ana"] * 6)
    SearchKey.objects.all().delete()
    (odd, even), own = (people[::2], people[1::2]), bytes(people[0].searched)
    for each in (odd, even):  # as two imports at the same moment leave them
        bulk.insert(search.TABLE, search.COLUMNS, search.rows_of([(one.id, own) for one in each]))
    for gone in (people[4], people[1]):
        search.remove_person(gone.id, own)
    left = {each.id for each in people} - {people[4].id, people[1].id}
    assert found_under() == {(value, number) for value in search.unpack(own) for number in left}


def test_who_is_not_in_the_index_is_taken_out_of_it_without_harm(desk_database: str) -> None:
    one, other = several("Ana", "Ana")
    search.remove_person(other.id + 1, one.searched)
    search.remove_person(one.id - 1, one.searched)
    assert found_under() == everybodys()
    assert find("ana") == [one.id, other.id]


@pytest.mark.parametrize("desk_database", ["postgresql"], indirect=True)
def test_two_who_go_at_the_same_time_are_both_gone(desk_database: str) -> None:
    one, other, stays = several("Ana Rojas", "Ana Rojas", "Ana Rojas")

    def remove() -> None:
        with contextlib.closing(connection), transaction.atomic():
            search.remove_person(other.id, other.searched)

    with ThreadPoolExecutor() as pool:
        with transaction.atomic():
            search.remove_person(one.id, one.searched)
            second = pool.submit(remove)
            _wait_until_somebody_waits()
        second.result()
    assert {number for _, number in found_under()} == {stays.id}


def _wait_until_somebody_waits() -> None:
    waiting = 0
    while not waiting:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            waiting = cursor.fetchone()[0]


def test_an_index_of_before_is_packed_and_nobody_is_lost(desk_database: str) -> None:
    """Migration 0004 there and back; who was erased keeps the last number for good."""
    several(*["Ana Rojas"] * 300, "Luis")
    last = Individual.objects.latest("id")
    search.remove_person(last.id, last.searched)
    Household.objects.filter(members=last).delete()
    before, wanted = index_rows(), everybodys()
    call_command("migrate", "register", "0003", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest, individual_id FROM register_searchkey")
        assert sorted(cursor.fetchall()) == sorted(wanted)
    call_command("migrate", "register", verbosity=0)
    assert found_under() == wanted
    assert index_rows() == before
    assert several("Berta")[0].id > last.id


def test_another_desks_index_key_finds_nothing(desk_database: str) -> None:
    ours, theirs = Secret(b"o" * 32), Secret(b"t" * 32)
    identity = person("Ana Rojas", telephone=TELEPHONE).identity
    assert not search.digests_of(ours, identity) & search.digests_of(theirs, identity)


def test_a_sound_a_beginning_and_a_number_have_different_digests() -> None:
    assert len({search.digest(Secret(b"k" * 32), kind, "ana") for kind in SearchKind}) == len(SearchKind)


@given(st.text(max_size=40))
def test_any_text_has_words_and_sounds_without_an_error(said: str) -> None:
    for word in words.words(said):
        assert words.plain(word)
        assert all(code[:2] in ("s:", "a:", "k:") for code in search.sounds(word))
        assert all(1 < len(start) <= search.LONG_START for start in search.starts(word))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), unique=True))
def test_digests_are_kept_and_read_again(digests: list[int]) -> None:
    assert search.unpack(search.pack(digests)) == sorted(digests)


def test_a_name_without_any_letter_that_sounds_is_enrolled_all_the_same(desk_database: str) -> None:
    assert enrolled(person("-")).members.count() == 1
    made = enrolled(person("王"), person("አበበ"), person("-"))
    assert made.members.count() == 3
    assert len(find("አበበ")) == 1
    assert search.digests_of(vault().index_key, Identity()) == set()
