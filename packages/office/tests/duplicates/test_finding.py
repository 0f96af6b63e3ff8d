"""What is a possible duplicate and what is none; missing data never agree."""

import duckdb
import pytest
from packages.office.tests.duplicates.invented import as_compared, identity

from amparo_office.duplicates.compared import Birth, Compared, Place
from amparo_office.duplicates.crowds import MOST_PAIRS, sort_out
from amparo_office.duplicates.finding import Pair, find, in_memory
from amparo_office.duplicates.model import COMPARISONS, published
from amparo_office.duplicates.spelling import sound, words
from amparo_office.register.sealing import Document, Identity, Name

DAY = Birth(1984, 3, 9)


def pairs(*people: Compared, fresh: set[int] | None = None) -> list[Pair]:
    wanted = {each.number for each in people} if fresh is None else fresh
    return find(people, wanted, published(), progress=lambda _done, _total: None)


def two(first: Identity, second: Identity, *, one: Birth = DAY, other: Birth = DAY) -> list[Pair]:
    return pairs(as_compared(1, first, born=one), as_compared(2, second, born=other))


@pytest.mark.parametrize(
    ("given", "family"),
    [
        ("María Elena", "Rojas Peña"),
        ("MARIA ELENA", "ROJAS PENA"),
        ("Rojas Peña", "María Elena"),
        ("Maria Elena", "Rojas"),
        ("María Elena", "Roxas Peña"),
        ("María Elena", "Rohas Peña"),
        ("Elena María", "Rojas Peña"),
    ],
)
def test_one_person_with_another_spelling_is_found(given: str, family: str) -> None:
    (found,) = two(identity(), identity(given, family))
    assert found.agreed == ["name", "birth"]


@pytest.mark.parametrize(
    ("latin", "arabic"),
    [
        (("Mohamed", "Haddad"), ("محمد", "حداد")),
        (("Fatima", "Khalil"), ("فاطمة", "خليل")),
        (("Abdul-Rahman", "Mansour"), ("عبد الرحمن", "منصور")),
        (("Youssef", "Najjar"), ("يوسف", "نجار")),
    ],
)
def test_one_person_in_arabic_and_in_latin_letters_is_found(latin: tuple[str, str], arabic: tuple[str, str]) -> None:
    assert [pair.agreed for pair in two(identity(*latin), identity(*arabic))] == [["name", "birth"]]


@pytest.mark.parametrize("other", [Birth(1984, 9, 3), Birth(1984, 3), Birth(1984, 3, 19), Birth(1985, estimated=True)])
def test_one_person_with_another_form_of_the_birth_date_is_found(other: Birth) -> None:
    phone = "+584145550123"
    (found,) = two(identity(telephone=phone), identity(telephone=phone), other=other)
    assert found.agreed == ["name", "birth", "telephone"]


def test_a_shared_paper_is_enough_under_any_name() -> None:
    assert [
        pair.agreed for pair in two(identity(paper="V19283746"), identity("Ana", "Díaz", paper="v-19.283.746"))
    ] == [["birth", "papers"]]


def test_two_people_with_one_name_and_two_birth_dates_are_two_people() -> None:
    assert two(identity(), identity(), other=Birth(1999, 8, 21)) == []


NOBODY = Identity()
FIELDS = {
    "name": lambda: as_compared(2, NOBODY, born=DAY, place=Place(2, "VE01", "VE", False, Name("Luis", "Rojas"))),
    "birth": lambda: as_compared(2, identity()),
    "papers": lambda: as_compared(2, Identity([Name("Ana", "Díaz")])),
    "telephone": lambda: as_compared(2, Identity([Name("Ana", "Díaz")])),
    "head": lambda: as_compared(2, Identity([Name("Ana", "Díaz")]), place=Place(2, None, None, False, None)),
    "area": lambda: as_compared(2, Identity([Name("Ana", "Díaz")]), place=Place(2, None)),
}


@pytest.mark.parametrize("field", list(FIELDS))
def test_what_is_missing_on_one_side_or_on_both_never_agrees(field: str) -> None:
    lacking = FIELDS[field]()
    twin = Compared(**{each: getattr(lacking, each) for each in lacking.__struct_fields__} | {"number": 3})
    whole = as_compared(
        1,
        identity(telephone="+584145550123", paper="V19283746"),
        born=DAY,
        place=Place(1, "VE01", "VE", False, Name("Luis", "Rojas")),
    )
    found = pairs(whole, lacking, twin)
    assert not [pair for pair in found if field in pair.agreed]


def test_two_records_with_nothing_but_what_is_missing_are_no_pair() -> None:
    assert pairs(as_compared(1, NOBODY), as_compared(2, NOBODY)) == []
    assert two(Identity([Name("Ana")]), Identity([Name("Luis")]), one=Birth(), other=Birth()) == []


def test_members_of_one_household_are_not_flagged_for_their_family_name() -> None:
    place = Place(1, "VE01", "VE", False, Name("Luis", "Rojas Peña"))
    phone = "+584145550123"
    siblings = [
        as_compared(number, identity(given, telephone=phone), born=DAY, place=place)
        for number, given in enumerate(("María", "Mario", "Elena", "Carmen"), 1)
    ]
    assert pairs(*siblings) == []


def test_one_person_twice_in_one_household_is_found() -> None:
    place = Place(1, "VE01", "VE", False, Name("Luis", "Rojas Peña"))
    assert [
        pair.agreed for pair in pairs(*(as_compared(number, identity(), born=DAY, place=place) for number in (1, 2)))
    ]


def test_a_father_and_a_daughter_named_after_him_are_two_people() -> None:
    phone, head = "+584145550123", Name("Ahmed", "Yasin")
    father = as_compared(
        1, identity("Ahmed", "Yasin", phone), born=Birth(1982, 1, 1), place=Place(1, "VE01", "VE", True, head)
    )
    daughter = as_compared(
        2, identity("Aisha Ahmed", "Yasin", phone), born=Birth(), place=Place(2, "VE01", "VE", False, head)
    )
    assert pairs(father, daughter) == []


def test_only_pairs_with_a_fresh_record_are_compared() -> None:
    people = [as_compared(number, identity(), born=DAY) for number in (1, 2, 3)]
    assert [(pair.first, pair.second) for pair in pairs(*people, fresh={3})] == [(1, 3), (2, 3)]


def test_the_same_people_give_the_same_pairs_in_any_order() -> None:
    people = [as_compared(number, identity("María" if number % 3 else "Ana"), born=DAY) for number in range(1, 9)]
    assert pairs(*people) == pairs(*people[::-1])


def test_nothing_of_a_comparison_reaches_a_disk() -> None:
    connection = in_memory(64)
    assert connection.execute("SELECT current_setting('temp_directory')").fetchone() == ("",)
    assert connection.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall() == []
    with pytest.raises(duckdb.PermissionException):
        connection.execute("COPY (SELECT 1) TO '/tmp/amparo-leak.csv'")
    connection.close()


def test_the_published_model_has_a_weight_for_every_level_and_agreement_speaks_for_one_person() -> None:
    model = published()
    assert set(model.weights) == {each.kind for each in COMPARISONS}
    for comparison in COMPARISONS:
        weights = model.weights[comparison.kind]
        assert set(weights) == {level.code for level in comparison.levels} | {"different"}
        assert weights[comparison.levels[0].code].one_person > weights[comparison.levels[0].code].two_people
        assert weights["different"].one_person < weights["different"].two_people


def test_a_name_in_two_scripts_counts_its_words_once() -> None:
    both = Identity([Name("Mohamed", "Haddad", script="Latn"), Name("محمد", "حداد", script="Arab")])
    assert as_compared(1, both).words == ["haddad", "mohamed"]


def test_sounds_join_what_is_spelt_in_many_ways() -> None:
    for group in (["Muhammad", "Mohamed", "محمد"], ["González", "Gonsales"], ["Khalid", "خالد"], ["Hassan", "حسن"]):
        assert len({sound(words(name)[0]) for name in group}) == 1, group


def test_too_many_pairs_of_one_record_become_one_case() -> None:
    crowd = [Pair(one, other, []) for one in range(1, 14) for other in range(one + 1, 14)]
    found = sort_out([*crowd, Pair(50, 51, [])], [], set())
    assert found.pairs == [Pair(50, 51, [])]
    assert found.crowds == [set(range(1, 14))]
    few = [Pair(1, other, []) for other in range(2, 2 + MOST_PAIRS)]
    assert sort_out(few, [], set()).crowds == []


def test_papers_of_different_kinds_say_nothing_about_each_other() -> None:
    one = Identity([Name("Ana", "Díaz")], [Document("passport", "A1234567")])
    other = Identity([Name("Ana", "Díaz")], [Document("national-id", "A1234567")])
    assert [pair.agreed for pair in two(one, other)] == [["name", "birth"]]
