"""Facts that the log defines: a rule knows them like the catalogue's, the first definition counts, a false one never does."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import roofs
from tests.roofs import LABELS, ROOF, logged

from amparo_common import canonical
from amparo_common.bridge import FactDefined
from amparo_rules.bands import banded
from amparo_rules.catalogue import CATALOGUE, FIRST_RELEASE, FactDefinition, FactType
from amparo_rules.defined import FIRST_DAY, LARGEST_VALUE, LAST_DAY, read_definition, standing
from amparo_rules.errors import (
    DefinitionNotAllowed,
    ExampleFails,
    FactOutOfRange,
    ForbiddenConcept,
    RuleNotReadable,
    UnknownFact,
)
from amparo_rules.evaluate import Household, evaluate
from amparo_rules.examples import check_examples
from amparo_rules.rule import RuleFile, read_rule
from amparo_rules.starter import starter
from amparo_rules.step import check_step

RULE = (
    roofs.RULE.replace("roof_type: int}", "roof_type: int, rooms: int}")
    + """examples:
  - name: a roof of straw
    as_of: 2026-11-01
    household: {roof_type: "4", rooms: "1"}
    members: [{}, {}]
    expect: {amount: "30.00"}
  - name: nobody knows the roof
    as_of: 2026-11-01
    household: {}
    members: [{}]
    expect: {failed: [bad]}
"""
)


def roof(**changes: Any) -> FactDefinition:
    """The roof with something else in its definition."""
    return msgspec.structs.replace(ROOF, **changes)


def roof_of(**kind: Any) -> FactDefinition:
    """The roof with something else in its type."""
    return roof(type=msgspec.structs.replace(ROOF.type, **kind))


def rule(*entries: FactDefined, source: str = RULE) -> RuleFile:
    """The rule, read where these entries stand before it."""
    return read_rule(source, entries)


def test_a_rule_knows_a_defined_fact_by_type_and_range() -> None:
    read = rule(logged())
    check_examples(read)
    check_step(read)
    plan = read.plan(date(2026, 11, 1))
    assert plan.household_inputs == {"roof_type": ROOF.type, "rooms": CATALOGUE["household", "rooms"].type}
    assert evaluate(plan, Household({"roof_type": 5, "rooms": None}, [{}])).amount == 3_500
    for value in (0, 6):
        with pytest.raises(FactOutOfRange):
            evaluate(plan, Household({"roof_type": value, "rooms": None}, [{}]))


def test_the_examples_of_a_rule_are_computed_with_its_defined_facts() -> None:
    read = rule(logged(), source=RULE.replace('amount: "30.00"', 'amount: "31.00"'))
    with pytest.raises(ExampleFails):
        check_examples(read)


def test_bands_are_offered_for_a_rule_with_a_defined_fact() -> None:
    read = rule(logged())
    new = rule(logged(), source=banded(read, [4_000], version="2"))
    assert evaluate(new.plan(date(2026, 11, 1)), Household({"roof_type": 4, "rooms": None}, [{}, {}])).amount == 4_000
    assert new.defined == read.defined


def test_a_rule_without_the_definition_before_it_is_refused() -> None:
    with pytest.raises(UnknownFact, match="roof_type"):
        rule()
    with pytest.raises(UnknownFact):
        rule(logged(roof(name="wall_type")))
    with pytest.raises(UnknownFact):
        rule(logged(roof(entity="person")))


def test_language_1_knows_the_catalogue_only_and_says_what_to_write() -> None:
    with pytest.raises(UnknownFact) as refused:
        rule(logged(), source=RULE.replace("language: 2", "language: 1"))
    assert refused.value.remedy == "Write language: 2 in the rule file."
    with pytest.raises(RuleNotReadable):
        rule(logged(), source=RULE.replace("language: 2", "language: 3"))


def test_a_defined_fact_is_used_as_the_type_it_has() -> None:
    with pytest.raises(UnknownFact, match="type int"):
        rule(logged(), source=RULE.replace("roof_type: int", "roof_type: decimal"))


# --- identity ---------------------------------------------------------------------------------------------------------------


def test_definitions_in_the_log_change_nothing_about_rules_that_do_not_use_them() -> None:
    for name in ("food-basket", "health-visit"):
        plain, beside = read_rule(starter(name)), read_rule(starter(name), (logged(),))
        assert (plain.content, plain.rule_hash, plain.defined) == (beside.content, beside.rule_hash, ())
        assert "defined" not in plain.content


@pytest.mark.parametrize(
    "other",
    [
        roof(label=LABELS | {"en": "type of wall"}),
        roof(purpose="another purpose"),
        roof(retention_days=30),
        roof_of(max=6),
        roof_of(min=0),
    ],
)
def test_the_hash_of_a_rule_covers_the_whole_definition_of_its_facts(other: FactDefinition) -> None:
    assert rule(logged()).rule_hash != rule(logged(other)).rule_hash


def test_definitions_that_a_rule_does_not_use_do_not_count_for_its_hash() -> None:
    beside = logged(roof(name="wall_type"))
    assert rule(beside, logged()).rule_hash == rule(logged()).rule_hash
    assert rule(beside, logged()).defined == (logged(),)


# --- what counts ------------------------------------------------------------------------------------------------------------


def test_the_first_definition_of_a_name_counts_for_good() -> None:
    later = logged(roof_of(max=50))
    assert rule(logged(), later) == rule(logged())
    assert standing((logged(), later, logged()))["household", "roof_type"] == ROOF


def test_a_name_whose_first_definition_is_not_allowed_is_lost() -> None:
    with pytest.raises(UnknownFact):
        rule(logged(approvals=1), logged())


def test_the_log_cannot_redefine_a_fact_of_the_release() -> None:
    wider = roof(name="rooms", type=FactType(kind="int", min=0, max=900))
    read = rule(logged(wider), logged())
    assert read.plan(date(2026, 11, 1)).household_inputs["rooms"] == CATALOGUE["household", "rooms"].type
    assert read == rule(logged())
    with pytest.raises(DefinitionNotAllowed):
        read_definition(logged(wider))


def test_a_fact_that_a_later_release_adds_changes_no_rule_of_a_log_that_had_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = rule(logged())
    added = roof(type=FactType(kind="int", min=0, max=99), label=LABELS | {"en": "roof"})
    monkeypatch.setitem(CATALOGUE, ("household", "roof_type"), added)
    read_rule.cache_clear()
    standing.cache_clear()
    assert rule(logged()) == before
    assert rule(logged()).plan(date(2026, 11, 1)).household_inputs["roof_type"] == ROOF.type
    # Where no log defined it, it is the release's.
    plain = rule(source=RULE.replace("language: 2", "language: 1"))
    assert plain.plan(date(2026, 11, 1)).household_inputs["roof_type"] == added.type
    assert plain.defined == ()
    read_rule.cache_clear()


def test_no_log_redefines_a_fact_of_the_first_release() -> None:
    assert {("household", "rooms"), ("person", "birth_date")} < FIRST_RELEASE <= CATALOGUE.keys()


@pytest.mark.parametrize(
    "forbidden",
    [
        roof(name="party_card"),
        roof(purpose="to know their religion"),
        *(
            roof(label=LABELS | {language: word})
            for language, word in (
                ("es", "afiliación sindical"),
                ("en", "how they voted"),
                ("fr", "appartenance ethnique"),
                ("ar", "الحزب"),
                ("pt", "filiação partidária"),
            )
        ),
    ],
)
def test_a_forbidden_concept_in_the_log_makes_no_rule_evaluable(forbidden: FactDefinition) -> None:
    with pytest.raises(ForbiddenConcept):
        read_definition(logged(forbidden))
    with pytest.raises((ForbiddenConcept, UnknownFact)):
        rule(logged(forbidden), source=RULE.replace("roof_type: int", f"{forbidden.name}: int"))


REFUSED: list[FactDefinition] = [
    roof(name="Roof"),
    roof(name="1roof"),
    roof(name="r"),
    roof(name="roof__type"),
    roof(name="roof_"),
    roof(name="r" * 61),
    roof(name="not"),
    roof(label={"en": "type of roof"}),
    roof(label=LABELS | {"de": "Dach"}),
    roof(label=LABELS | {"ar": " "}),
    roof(purpose=" "),
    roof(retention_days=0),
    roof(retention_days=3_651),
    roof_of(min=6),
    roof_of(max=LARGEST_VALUE + 1),
    roof_of(min=-LARGEST_VALUE - 1),
    roof_of(scale=2),
    roof_of(kind="decimal", scale=7),
    roof_of(kind="decimal", scale=-1),
    roof_of(kind="bool"),
    roof_of(kind="date", min=FIRST_DAY - 1, max=0),
    roof_of(kind="date", min=0, max=LAST_DAY + 1),
    roof_of(nullable=False),
]


@pytest.mark.parametrize("wrong", REFUSED, ids=lambda each: canonical.digest(each)[:8])
def test_a_definition_against_the_limits_defines_nothing(wrong: FactDefinition) -> None:
    with pytest.raises(DefinitionNotAllowed):
        read_definition(logged(wrong))
    assert standing((logged(wrong),)) == {}


@pytest.mark.parametrize(
    "entry",
    [
        logged(approvals=1),
        logged(approvals=0),
        logged(entity="person"),
        logged(name="wall_type"),
        logged(entity="village"),
        logged(definition=""),
        logged(definition="{}"),
        logged(definition="[" * 90),
        logged(definition=" " + canonical.encode(ROOF).decode()),
        logged(definition=canonical.encode(msgspec.to_builtins(ROOF) | {"more": 1}).decode()),
    ],
    ids=lambda each: canonical.digest(each)[:8],
)
def test_an_entry_that_is_not_its_definition_defines_nothing(entry: FactDefined) -> None:
    with pytest.raises(DefinitionNotAllowed):
        read_definition(entry)
    assert standing((entry,)) == {}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_one_sign_changed_in_a_definition_changes_the_rule_or_refuses_it(data: st.DataObject) -> None:
    text = logged().definition
    place = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.characters(codec="utf-8").filter(lambda each: each != text[place]))
    changed = logged(definition=text[:place] + sign + text[place + 1 :])
    try:
        found = rule(changed).rule_hash
    except UnknownFact:
        return
    assert found != rule(logged()).rule_hash


@pytest.mark.parametrize("order", [lambda some: some, lambda some: some[::-1]])
def test_many_definitions_stand_beside_each_other(order: Callable[[list[FactDefined]], list[FactDefined]]) -> None:
    entries = order([logged(roof(name=f"roof_{letter}")) for letter in "abc"] + [logged()])
    assert [name for _, name in standing(tuple(entries))] == [each.name for each in entries]
    assert rule(*entries).rule_hash == rule(logged()).rule_hash
