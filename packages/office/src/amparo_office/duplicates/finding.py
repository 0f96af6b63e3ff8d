"""Finding pairs of records that may be one person: Splink on DuckDB, in memory only.

Nothing is written to a disk: the database is `:memory:`, spilling is off, and DuckDB may open no file. Which pairs are compared at
all is decided by keys that two records of one person nearly always share (two words of the name and a part of the birth date, a
number, …); what a pair is worth by the published model. Pure: people in, pairs out; the same people give the same pairs.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import jellyfish
import msgspec
import pyarrow as pa
from splink import DuckDBAPI, Linker

from amparo_office.duplicates.compared import Compared
from amparo_office.duplicates.model import COMPARISONS, Model, agreed, settings
from amparo_office.duplicates.spelling import sound
from amparo_office.register.words import is_arabic

# All pairs within a key that this many share, above it only neighbours: enough to see a crowd, not enough to drown in it.
LARGEST_KEY, NEIGHBOURS = 60, 12
AT_ONCE = 400_000
ALIKE = 0.93


class Pair(msgspec.Struct, frozen=True, order=True):
    """Two records that may be one person; `first` has the smaller number. `agreed`: kinds of data."""

    first: int
    second: int
    agreed: list[str]


Progress = Callable[[int, int], None]


def find(
    people: Sequence[Compared], fresh: set[int], model: Model, *, memory_mb: int = 1024, progress: Progress
) -> list[Pair]:
    """The pairs of which at least one is fresh, in order. `progress` hears how many of the comparisons are done."""
    if len(people) < 2 or not fresh:
        return []
    connection = in_memory(memory_mb)
    try:
        load(connection, people, fresh)
        total = _make_candidates(connection)
        found = list(_weigh(connection, model, total, progress))
    finally:
        connection.close()
    by_number = {each.number: each for each in people}
    return sorted(pair for pair in found if _plausible(by_number[pair.first], by_number[pair.second], pair))


def in_memory(memory_mb: int) -> "duckdb.DuckDBPyConnection":
    """A DuckDB that holds everything in memory and reaches no file."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET temp_directory = ''")
    connection.execute(f"SET memory_limit = '{memory_mb}MB'")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET threads = 2")
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET preserve_insertion_order = false")
    near = f"list_bool_or(list_transform({{}}, lambda y : jaro_winkler_similarity(x, y) >= {ALIKE}))"
    connection.execute(
        "CREATE MACRO words_alike(a, b) AS CASE WHEN len(a) <= len(b)"
        f" THEN len(list_filter(a, lambda x : {near.format('b')})) ELSE len(list_filter(b, lambda x : {near.format('a')})) END"
    )
    connection.execute(
        "CREATE MACRO near_number(a, b) AS list_bool_or(list_transform(a, lambda x : list_bool_or(list_transform(b,"
        " lambda y : len(x) >= 12 AND damerau_levenshtein(x, y) = 1))))"
    )
    return connection


def load(connection: "duckdb.DuckDBPyConnection", people: Sequence[Compared], fresh: set[int]) -> None:
    """Put the people into the table `person`."""
    columns: dict[str, Any] = {
        "number": pa.array([each.number for each in people], pa.int64()),
        "household": pa.array([each.household for each in people], pa.int64()),
        "area": pa.array([each.area for each in people], pa.string()),
        "district": pa.array([each.district for each in people], pa.string()),
        "words": pa.array([each.words for each in people], pa.list_(pa.string())),
        "whole": pa.array([" ".join(each.words) for each in people], pa.string()),
        "sounds": pa.array([each.sounds for each in people], pa.list_(pa.string())),
        "called": pa.array([each.called for each in people], pa.list_(pa.string())),
        "called_sounds": pa.array([[sound(word) for word in each.called] for each in people], pa.list_(pa.string())),
        "year": pa.array([each.birth.year for each in people], pa.int16()),
        "month": pa.array([each.birth.month for each in people], pa.int16()),
        "day": pa.array([each.birth.day for each in people], pa.int16()),
        "estimated": pa.array([each.birth.estimated for each in people], pa.bool_()),
        "head": pa.array([each.head for each in people], pa.string()),
        "telephone": pa.array([each.telephone for each in people], pa.string()),
        "papers": pa.array([each.papers for each in people], pa.list_(pa.string())),
        "paper_kinds": pa.array(
            [sorted({paper.partition(":")[0] for paper in each.papers}) for each in people], pa.list_(pa.string())
        ),
        "fresh": pa.array([each.number in fresh for each in people], pa.bool_()),
    }
    connection.register("given_people", pa.table(columns))
    connection.execute("CREATE TABLE person AS SELECT * FROM given_people ORDER BY number")
    connection.unregister("given_people")


_KEYS = """
CREATE TABLE key AS
WITH word AS (SELECT number, unnest(sounds) AS s, year, month, day, area FROM person WHERE len(sounds) > 0),
two AS (SELECT a.*, b.s AS t FROM word a JOIN word b ON a.number = b.number AND a.s < b.s),
found AS (
  SELECT number, hash('year', s, t, year) AS key FROM two WHERE year IS NOT NULL
  UNION ALL SELECT number, hash('day', s, t, least(month, day), greatest(month, day)) FROM two WHERE day IS NOT NULL
  UNION ALL SELECT number, hash('area', s, t, area) FROM two WHERE area IS NOT NULL
  UNION ALL SELECT number, hash('date', s, year, least(month, day), greatest(month, day)) FROM word WHERE day IS NOT NULL
  UNION ALL SELECT number, hash('place', year, least(month, day), greatest(month, day), area) FROM person
    WHERE day IS NOT NULL AND area IS NOT NULL
  UNION ALL SELECT number, hash('name', whole) FROM person WHERE whole <> ''
  UNION ALL SELECT number, hash('sounds', sounds) FROM person WHERE len(sounds) > 0
  UNION ALL SELECT number, hash('telephone', telephone) FROM person WHERE telephone IS NOT NULL
  UNION ALL SELECT number, hash('paper', unnest(papers)) FROM person
  UNION ALL SELECT number, hash('head', head, unnest(called_sounds)) FROM person WHERE head IS NOT NULL
)
SELECT DISTINCT number, key FROM found
"""
_CANDIDATES = f"""
CREATE TABLE candidate AS
WITH shared AS (
  SELECT key.number, key, fresh, count(*) OVER (PARTITION BY key) AS many,
    row_number() OVER (PARTITION BY key ORDER BY key.number) AS place
  FROM key JOIN person USING (number)
),
several AS (SELECT * FROM shared WHERE many > 1)
SELECT DISTINCT a.number AS join_key_l, b.number AS join_key_r, '0' AS match_key
FROM several a JOIN several b ON a.key = b.key AND a.number < b.number
WHERE (a.fresh OR b.fresh) AND (a.many <= {LARGEST_KEY} OR b.place - a.place <= {NEIGHBOURS})
"""


def _make_candidates(connection: "duckdb.DuckDBPyConnection") -> int:
    connection.execute(_KEYS)
    connection.execute(_CANDIDATES)
    connection.execute("DROP TABLE key")
    row = connection.execute("SELECT count(*) FROM candidate").fetchone()
    return int(row[0]) if row else 0


# How common a whole name is, smoothed: in a small register one name twice is no common name.
_FREQUENCY = """
CREATE TABLE frequency AS
SELECT whole, greatest(count(*) - 1, 1) / (sum(count(*)) OVER () + 20000.0) AS tf_whole
FROM person WHERE whole <> '' GROUP BY whole
"""


def _weigh(connection: "duckdb.DuckDBPyConnection", model: Model, total: int, progress: Progress) -> Iterator[Pair]:
    connection.execute(_FREQUENCY)
    done = 0
    parts = max(1, -(-total // AT_ONCE))
    for part in range(parts):
        connection.execute(
            "CREATE OR REPLACE TABLE some_candidates AS SELECT * FROM candidate WHERE hash(join_key_l) % ? = ?",
            [parts, part],
        )
        with warnings.catch_warnings():
            # Splink warns that it was not trained in this run: its parameters are the published ones.
            warnings.simplefilter("ignore")
            yield from _predict(connection, model)
        row = connection.execute("SELECT count(*) FROM some_candidates").fetchone()
        done += int(row[0]) if row else 0
        progress(done, total)


def _predict(connection: "duckdb.DuckDBPyConnection", model: Model) -> Iterator[Pair]:
    api = DuckDBAPI(connection)
    linker = Linker(api.register("person"), settings(model), log_level=None)
    linker.table_management.register_term_frequency_lookup(api.register("frequency"), "whole")
    linker.table_management.register_blocked_pairs_for_predict(api.register("some_candidates"))
    found = linker.inference.predict(threshold_match_probability=model.threshold, warning_mode="never")
    gammas = ", ".join(f"gamma_{each.kind}" for each in COMPARISONS)
    rows = connection.execute(f"SELECT number_l, number_r, {gammas} FROM {found.physical_name}").fetchall()
    for first, second, *levels in rows:
        values: dict[str, int] = {each.kind: int(level) for each, level in zip(COMPARISONS, levels, strict=True)}
        yield Pair(min(first, second), max(first, second), agreed(values))
    api.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call] # Splink's own


def _plausible(first: Compared, second: Compared, pair: Pair) -> bool:
    """Neither the same home nor the same family makes two people one. Without a shared paper the names must agree, and two known
    birth dates must not be altogether different; within a household what they are called must be the same word."""
    if "papers" in pair.agreed:
        return True
    if "name" not in pair.agreed or ("birth" not in pair.agreed and _birth_known(first) and _birth_known(second)):
        return False
    if first.household is None or first.household != second.household:
        return True
    return any(_same_word(one, other) for one in first.called for other in second.called)


def _birth_known(person: Compared) -> bool:
    return person.birth.year is not None and not person.birth.estimated


def _same_word(one: str, other: str) -> bool:
    """María and Mario sound alike without their vowels: within one script a word is compared as written."""
    if is_arabic(one) != is_arabic(other):
        return sound(one) == sound(other)
    return jellyfish.jaro_winkler_similarity(one, other) >= ALIKE
