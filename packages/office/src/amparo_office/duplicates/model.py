"""What is compared and what an agreement is worth: a Fellegi-Sunter model for Splink, its parameters fixed and published.

The parameters (`model.json`) were estimated once, on invented people (`bench/train_duplicates.py`), never on anybody's data, and
are the same for everybody. A missing value is a level of its own that weighs nothing. Nothing of a comparison is kept but which
kinds of data agreed.
"""

from importlib import resources
from typing import Any

import msgspec
from splink import SettingsCreator

from amparo_office.duplicates.kinds import Kind

MISSING, ELSE = "missing", "different"


class Level(msgspec.Struct, frozen=True):
    """One way in which two values can stand to each other. `agrees`: it is told to the reviewer as agreement."""

    code: str
    sql: str
    agrees: bool = True
    frequent: str | None = None


class Comparison(msgspec.Struct, frozen=True):
    """One kind of data: when it is missing, and the levels from the closest down."""

    kind: Kind
    missing: str
    levels: tuple[Level, ...]


class Weight(msgspec.Struct, frozen=True):
    """How often a level is seen between two records of one person, and of two people."""

    one_person: float
    two_people: float


class Model(msgspec.Struct, frozen=True):
    """The published parameters."""

    made: str
    prior: float
    threshold: float
    weights: dict[str, dict[str, Weight]]


# Written for DuckDB; `WORDS_ALIKE` and `NEAR_NUMBER` are macros of `finding`.
_BOTH = "least(len(words_l), len(words_r))"
_HITS = "greatest(words_alike(words_l, words_r), len(list_intersect(sounds_l, sounds_r)))"
_CALLED = (
    "(list_has_any(called_sounds_l, sounds_r) OR words_alike(called_l, words_r) > 0)"
    " AND (list_has_any(called_sounds_r, sounds_l) OR words_alike(called_r, words_l) > 0)"
)
_ONE_HOME = "household_l = household_r"
_DAY_KNOWN = "day_l IS NOT NULL AND day_r IS NOT NULL"

COMPARISONS = (
    Comparison(
        "name",
        "len(words_l) = 0 OR len(words_r) = 0",
        (
            Level("same", "whole_l = whole_r", frequent="whole"),
            Level("sounds", "sounds_l = sounds_r"),
            Level("alike", f"{_BOTH} >= 2 AND {_HITS} >= {_BOTH} AND {_CALLED}"),
            Level("most", f"{_HITS} >= 2 AND {_HITS} >= {_BOTH} - 1 AND {_CALLED}"),
            Level("called", _CALLED, agrees=False),
        ),
    ),
    Comparison(
        "birth",
        "year_l IS NULL OR year_r IS NULL",
        (
            Level("same", f"year_l = year_r AND month_l = month_r AND day_l = day_r AND {_DAY_KNOWN}"),
            Level("swapped", f"year_l = year_r AND month_l = day_r AND day_l = month_r AND {_DAY_KNOWN}"),
            Level(
                "near",
                f"{_DAY_KNOWN} AND ((year_l = year_r AND (month_l = month_r OR day_l = day_r))"
                " OR (month_l = month_r AND day_l = day_r AND levenshtein(year_l::VARCHAR, year_r::VARCHAR) = 1))",
            ),
            Level(
                "partial",
                "year_l = year_r AND (day_l IS NULL OR day_r IS NULL)"
                " AND (month_l = month_r OR month_l IS NULL OR month_r IS NULL)",
            ),
            Level("estimated", "(estimated_l OR estimated_r) AND abs(year_l - year_r) <= 2"),
        ),
    ),
    Comparison(
        "papers",
        "NOT list_has_any(paper_kinds_l, paper_kinds_r)",
        (
            Level("same", "list_has_any(papers_l, papers_r)"),
            Level("near", "near_number(papers_l, papers_r)"),
        ),
    ),
    Comparison(
        "telephone",
        f"telephone_l IS NULL OR telephone_r IS NULL OR {_ONE_HOME}",
        (
            Level("same", "telephone_l = telephone_r"),
            Level("near", "damerau_levenshtein(telephone_l, telephone_r) = 1"),
        ),
    ),
    Comparison(
        "head",
        f"head_l IS NULL OR head_r IS NULL OR {_ONE_HOME}",
        (Level("same", "head_l = head_r"),),
    ),
    Comparison(
        "area",
        f"area_l IS NULL OR area_r IS NULL OR {_ONE_HOME}",
        (
            Level("same", "area_l = area_r"),
            Level("district", "district_l = district_r", agrees=False),
        ),
    ),
)


def published() -> Model:
    """The parameters in use."""
    text = resources.files(__package__).joinpath("model.json").read_bytes()
    return msgspec.json.decode(text, type=Model)


def settings(model: Model | None) -> SettingsCreator:
    """Splink's form of the model; without parameters it is to be trained."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="number",
        comparisons=[_comparison(each, model) for each in COMPARISONS],
        # Which pairs are compared is decided in `finding`.
        blocking_rules_to_generate_predictions=[],
        probability_two_random_records_match=0.0001 if model is None else model.prior,
        retain_matching_columns=True,  # Splink gives the levels only with them
        retain_intermediate_calculation_columns=False,
    )


def agreed(gammas: dict[str, int]) -> list[str]:
    """The kinds of data that agreed, from the number of each comparison's level (-1 missing, 0 different)."""
    return [
        each.kind
        for each in COMPARISONS
        if gammas[each.kind] > 0 and each.levels[len(each.levels) - gammas[each.kind]].agrees
    ]


def _comparison(comparison: Comparison, model: Model | None) -> dict[str, Any]:
    weights = None if model is None else model.weights[comparison.kind]
    levels: list[dict[str, Any]] = [
        {"sql_condition": comparison.missing, "label_for_charts": MISSING, "is_null_level": True}
    ]
    for level in (*comparison.levels, Level(ELSE, "ELSE")):
        made: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.code}
        if weights is not None:
            made |= {"m_probability": weights[level.code].one_person, "u_probability": weights[level.code].two_people}
        if level.frequent is not None:
            made |= {
                "tf_adjustment_column": level.frequent,
                "tf_adjustment_weight": 1.0,
                "tf_minimum_u_value": 1e-6,
                "disable_tf_exact_match_detection": True,
            }
        levels.append(made)
    return {"output_column_name": comparison.kind, "comparison_levels": levels}
