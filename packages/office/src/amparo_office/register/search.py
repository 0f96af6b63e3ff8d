"""Finding people by name, telephone or number without reading names: the blind index.

Of each word of each name the index holds keyed digests of how it sounds (`sounds`, three ways) and of how it begins; of each
telephone and paper number one of the whole. `find` turns the words that were typed into the same digests, intersects the runs of
rows, opens at most `OPENED` candidates and orders them by real likeness. Not here: who may see the result (`access`).

LIMIT: equal words have equal digests. Without the index key nobody can test a name, but whoever holds the database sees how
often each digest occurs, and the commonest one in a country is not hard to guess. docs/decisions/0027 says what follows.
"""

import functools
import hashlib
from collections.abc import Collection, Iterable

import jellyfish
import msgspec
import numpy as np
from django.db import connection
from numpy.typing import NDArray

from amparo_common.secret import Secret
from amparo_office.register import words as spoken
from amparo_office.register.forms_filter import named_codes
from amparo_office.register.models import Individual, RecordState, SearchKind
from amparo_office.register.sealing import Identity, open_identity
from amparo_office.register.vault import vault

OPENED = 200
START, LONG_START = 3, 5
_SCOPED_AT_ONCE = 500
_LONGEST_SCOPING = 60_000

Ids = NDArray[np.int64]


def sounds(word: str) -> set[str]:
    """How a word of a name sounds, as codes: `s:` by Spanish rules, `a:` in Arabic letters, `k:` its consonants, as metaphone has
    them and as Arabic and Latin spellings share them."""
    return {*spoken.close_codes(word), *spoken.wide_codes(word)}


def starts(word: str) -> set[str]:
    """How a word begins: its first three letters, and its first five."""
    plain = spoken.plain(word)
    return {plain[:length] for length in (START, LONG_START) if len(plain) >= length}


def number_key(number: str) -> str:
    """A telephone or paper number as it is compared: letters and digits, without signs and leading zeros of the trunk."""
    return "".join(sign for sign in number.casefold() if sign.isalnum())


def digest(index_key: Secret, kind: SearchKind, text: str) -> int:
    """The keyed digest of one text, as the database keeps it (64 bits, signed)."""
    return _digest(index_key.reveal(), int(kind), text)


def _digest_of(key: bytes, kind: int, text: str) -> int:
    said = hashlib.blake2b(f"{kind} {text}".encode(), key=key, digest_size=8).digest()
    return int.from_bytes(said, "big", signed=True)


_digest = functools.lru_cache(maxsize=200_000)(_digest_of)


@functools.lru_cache(maxsize=100_000)
def _word_digests(key: bytes, word: str) -> frozenset[int]:
    """All digests of one word of a name."""
    found = {_digest(key, int(SearchKind.SOUND), code) for code in sounds(word)}
    return frozenset(found | {_digest(key, int(SearchKind.START), text) for text in starts(word)})


def digests_of(index_key: Secret, identity: Identity) -> set[int]:
    """Everything under which a person can be found."""
    key = index_key.reveal()
    found: set[int] = set()
    for name in identity.names:
        for word in spoken.words(name.whole()):
            found |= _word_digests(key, word)
    numbers = [identity.telephone, *(document.number for document in identity.documents)]
    number_kind = int(SearchKind.NUMBER)
    # Numbers do not come again: they are not remembered.
    return found | {_digest_of(key, number_kind, said) for said in map(number_key, numbers) if said}


def pack(digests: Iterable[int]) -> bytes:
    """Digests as `Individual.searched` keeps them."""
    return np.array(sorted(digests), dtype="<i8").tobytes()


def unpack(searched: bytes | memoryview) -> list[int]:
    """The reverse of `pack`."""
    return [int(value) for value in np.frombuffer(bytes(searched), dtype="<i8")]


def rows_of(people: Collection[tuple[int, bytes]]) -> list[tuple[int, int]]:
    """The rows of the index, in its order, for people with these numbers and packed digests."""
    digests = np.frombuffer(b"".join([searched for _, searched in people]), dtype="<i8")
    numbers = np.repeat([number for number, _ in people], [len(searched) // digests.itemsize for _, searched in people])
    order = np.lexsort((numbers, digests))
    return list(zip(digests[order].tolist(), numbers[order].tolist(), strict=True))


def write_rows(rows: Iterable[tuple[int, int]]) -> None:
    """Add (digest, individual) to the index; what is there already stays."""
    ignore = "INSERT INTO register_searchkey (digest, individual_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
    with connection.cursor() as cursor:
        cursor.executemany(ignore, rows if isinstance(rows, list) else list(rows))


def remove_rows(individual_id: int, searched: bytes | memoryview) -> None:
    """Take a person out of the index."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "DELETE FROM register_searchkey WHERE digest = %s AND individual_id = %s",
            [(value, individual_id) for value in unpack(searched)],
        )


# --- looking up ----------------------------------------------------------------------------------------------------------


def find(words: str, *, areas: list[str], limit: int = 50) -> list[int]:
    """The people whom these words may mean, best first: words of names in any order, a telephone, or a paper's number. `areas`
    are P-codes under which the asking member may look; [""] is everywhere."""
    asked = list(spoken.words(words))
    if not areas or not (asked or number_key(words)):
        return []
    index_key = vault().index_key
    runs, scope = _Runs(), _Scope(areas)
    by_number = runs.whole([digest(index_key, SearchKind.NUMBER, number_key(words))])
    found = scope.first(by_number, limit)
    for matching in (spoken.close_codes, spoken.wide_codes):
        if len(found) < limit and asked:
            wide = matching is spoken.wide_codes
            candidates = _meeting(runs, [_asked_digests(index_key, word, wide=wide) for word in asked])
            fresh = candidates[~np.isin(candidates, np.array(found, dtype=np.int64), kind="table")]
            found += _best(words, scope.first(fresh, OPENED), limit - len(found))
    return found[:limit]


def _asked_digests(index_key: Secret, word: str, *, wide: bool) -> list[int]:
    """The digests under one of which a person has this word. Wide: by consonants and beginnings too."""
    codes = {(SearchKind.SOUND, code) for code in spoken.close_codes(word)}
    if wide:
        codes |= {(SearchKind.SOUND, code) for code in spoken.wide_codes(word)}
        codes |= {(SearchKind.START, max(starts(word), key=len))} if starts(word) else set()
    return sorted(digest(index_key, kind, code) for kind, code in codes)


class _Runs:
    """The runs of the index that one search reads, each once."""

    def __init__(self) -> None:
        self._read: dict[int, Ids] = {}
        self._sizes: dict[int, int] = {}

    def measure(self, digests: Collection[int]) -> None:
        """Find out about how long these runs are, in one query. It is for choosing the cheapest way and changes no result."""
        new = [value for value in digests if value not in self._sizes]
        if not new:
            return
        with connection.cursor() as cursor:
            cursor.execute(_DENSITY.format(given=_given(), sample=_SAMPLE - 1), [_list(new)])
            for value, at_sample, last in cursor.fetchall():
                # A long run's first rows tell how dense it is: the numbers of people are handed out in order.
                self._sizes[int(value)] = _SAMPLE * int(last) // int(at_sample) if at_sample else _SAMPLE

    def size(self, digests: list[int]) -> int:
        """About how many rows are under these digests, which were measured."""
        return sum(self._sizes[value] for value in digests)

    def whole(self, digests: list[int]) -> Ids:
        """The people under these digests, once each, by number."""
        return _once(np.concatenate([_NOBODY, *map(self._run, digests)]))

    def among(self, ids: Ids, digests: list[int]) -> Ids:
        """Those of `ids` who are under one of these digests."""
        if len(ids) * len(digests) * _PROBE_COST > self.size(digests):
            return ids[np.isin(ids, np.concatenate([_NOBODY, *map(self._run, digests)]), kind="table")]
        return _once(_numbers(_PROBE.format(given=_given(), digests=_signs(digests)), _list(ids.tolist()), *digests))

    def _run(self, value: int) -> Ids:
        if value not in self._read:
            self._read[value] = _numbers(_RUN, value)
        return self._read[value]


def _meeting(runs: _Runs, asked: list[list[int]]) -> Ids:
    """Who has all the words, each of them under one of its digests. The rarest word is read first: a common one is then only
    looked up for the few who are left."""
    runs.measure({value for digests in asked for value in digests})
    first, *others = sorted(asked, key=runs.size)
    met = runs.whole(first)
    for digests in others:
        if not met.size:
            break
        met = runs.among(met, digests)
    return met


_NOBODY: Ids = np.array([], dtype=np.int64)
# To look one person up costs as much as to read six rows of a run.
_SAMPLE, _PROBE_COST = 256, 6
_MANY, _MANY_HOMES = 500, 5_000
_RUN = "SELECT individual_id AS n FROM register_searchkey WHERE digest = %s"
_DENSITY = """
SELECT c.value, (
  SELECT k.individual_id FROM register_searchkey k WHERE k.digest = c.value ORDER BY k.individual_id LIMIT 1 OFFSET {sample}),
  (SELECT MAX(id) FROM register_individual)
FROM {given}
"""
# As a value rather than a condition: PostgreSQL would read whole runs for a condition.
_PROBE = """
SELECT c.value AS n FROM {given} WHERE (
  SELECT 1 FROM register_searchkey k WHERE k.digest IN ({digests}) AND k.individual_id = c.value LIMIT 1) = 1
"""


def _once(ids: Ids) -> Ids:
    """Each number once, in order (`np.unique` does not use that the runs are in order)."""
    ordered = np.sort(ids, kind="stable")
    first: NDArray[np.bool_] = np.diff(ordered, prepend=-1) != 0
    return ordered[first]


def _signs(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _given() -> str:
    """What reads `_list` in a query, as `c.value`."""
    return "unnest(%s::bigint[]) AS c(value)" if connection.vendor == "postgresql" else "json_each(%s) AS c"


def _list(numbers: list[int]) -> str | list[int]:
    """Numbers as one argument of a query: PostgreSQL's array, SQLite's JSON."""
    return numbers if connection.vendor == "postgresql" else msgspec.json.encode(numbers).decode()


def _numbers(sql: str, *given: int | str | list[int]) -> Ids:
    """A query's one column of numbers. It comes as one text: row by row takes four times as long."""
    joined = "string_agg(n::text, ',')" if connection.vendor == "postgresql" else "group_concat(n)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {joined} FROM ({sql}) AS found", given)
        text: str | None = cursor.fetchone()[0]
    return np.fromstring(text, dtype=np.int64, sep=",") if text else _NOBODY


# The place as a value rather than a join: PostgreSQL would read all households for a join.
_IN_AREA = """
SELECT i.id FROM register_individual i WHERE i.id IN ({ids}) AND i.state <> %s AND ({scope}) ORDER BY i.id LIMIT %s
"""
_PLACE = """COALESCE((SELECT h.area_id FROM register_household h WHERE h.id = i.household_id),
  (SELECT o.area_id FROM register_collector c JOIN register_household o ON o.id = c.household_id
  WHERE c.individual_id = i.id LIMIT 1), '')"""


class _Scope:
    """Where the asking member may look."""

    def __init__(self, areas: list[str]) -> None:
        self._areas = [] if "" in areas else areas
        named = " OR ".join([f"substr({_PLACE}, 1, %s) = %s"] * len(self._areas))
        self._condition = "TRUE" if "" in areas else named or "FALSE"
        self._arguments = [value for area in self._areas for value in (len(area), area)]

    def first(self, ids: Ids, enough: int) -> list[int]:
        """The first `enough` of these people who are in the areas and not merged into somebody else."""
        found = self._looked_at(ids[:_MANY], enough)
        if len(ids) > _MANY and len(found) < enough:
            found += self._looked_at(self._near(ids[_MANY:])[:_LONGEST_SCOPING], enough - len(found))
        return found

    def _looked_at(self, ids: Ids, enough: int) -> list[int]:
        found: list[int] = []
        for start in range(0, len(ids), _SCOPED_AT_ONCE):
            part = ids[start : start + _SCOPED_AT_ONCE].tolist()
            sql = _IN_AREA.format(ids=_signs(part), scope=self._condition)
            with connection.cursor() as cursor:
                cursor.execute(sql, [*part, RecordState.MERGED.value, *self._arguments, enough - len(found)])
                found += [int(row[0]) for row in cursor.fetchall()]
            if len(found) >= enough:
                break
        return found

    def _near(self, ids: Ids) -> Ids:
        """Candidates without those who live elsewhere, where the areas are small, so that few have to be looked at."""
        return ids if self._living is None else ids[np.isin(ids, self._living, kind="table")]

    @functools.cached_property
    def _living(self) -> Ids | None:
        """Who lives in the areas or collects for a household there. None where these are too many."""
        codes = named_codes(self._areas) if self._areas else []
        if not codes or not isinstance(codes, list):
            return None
        within = f"SELECT id AS n FROM register_household WHERE area_id IN ({_signs(codes)}) LIMIT {_MANY_HOMES}"
        homes = _numbers(within, *codes)
        if len(homes) == _MANY_HOMES:
            return None
        of_these = f"household_id IN (SELECT c.value FROM {_given()})"
        members = f"SELECT id AS n FROM register_individual WHERE {of_these}"
        collectors = f"SELECT individual_id AS n FROM register_collector WHERE {of_these}"
        return np.concatenate([_numbers(sql, _list(homes.tolist())) for sql in (members, collectors)])


def _best(words: str, ids: list[int], limit: int) -> list[int]:
    """The most alike of these people, best first. Opens their names to compare them; nobody is shown any."""
    rows = list(Individual.objects.filter(id__in=ids).values_list("id", "key", "sealed"))
    keys = vault().keys([key for _, key, _ in rows])
    likeness = {
        number: _likeness(words, open_identity(keys[key], number, sealed))
        for number, key, sealed in rows
        if key in keys and sealed is not None
    }
    return sorted(likeness, key=lambda number: (-likeness[number], number))[:limit]


def _likeness(words: str, identity: Identity) -> float:
    """How alike the words are to a person's best name: the mean over the words of the closest word of the name."""
    asked = [spoken.plain(word) for word in spoken.words(words)]
    return max((_name_likeness(asked, name.whole()) for name in identity.names), default=0.0)


def _name_likeness(asked: list[str], name: str) -> float:
    have = [spoken.plain(word) for word in spoken.words(name)]
    if not asked or not have:
        return 0.0
    total = sum(max(_word_likeness(word, other) for other in have) for word in asked)
    return total / len(asked) - 0.01 * abs(len(have) - len(asked))


def _word_likeness(asked: str, word: str) -> float:
    if len(asked) >= START and word.startswith(asked):
        return 1.0 - 0.02 * (len(word) - len(asked))
    if spoken.is_arabic(asked) != spoken.is_arabic(word):
        return 0.98 * jellyfish.jaro_winkler_similarity(spoken.consonants(asked), spoken.consonants(word))
    return jellyfish.jaro_winkler_similarity(asked, word)
