"""Finding people by name, telephone or number without reading names: the blind index.

Of each word of each name the index holds keyed digests of how it sounds (`sounds`, three ways) and of how it begins; of each
telephone and paper number one of the whole. Who has a digest stands packed in rows, one for all that came together
(docs/decisions/0038). `find` turns the words that were typed into the same digests, intersects their runs, opens at most `OPENED`
candidates and orders them by real likeness. Not here: who may see the result (`access`).

LIMIT: equal words have equal digests. Without the index key nobody can test a name, but whoever holds the database sees how
often each digest occurs, and the commonest one in a country is not hard to guess. docs/decisions/0027 says what follows.
"""

import functools
import hashlib
import itertools
from collections.abc import Collection, Iterable

import jellyfish
import numpy as np
import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

from amparo_common.secret import Secret
from amparo_office.register import bulk
from amparo_office.register import words as spoken
from amparo_office.register.forms_filter import named_codes
from amparo_office.register.models import Individual, RecordState, SearchKind
from amparo_office.register.sealing import Identity, open_identity
from amparo_office.register.vault import vault

OPENED = 200
START, LONG_START = 3, 5
# People in a row of the index: seven such rows fill a page of PostgreSQL's tree, which takes no entry over 2,704 bytes.
ROW = 250
_SCOPED_AT_ONCE = 2_000
_LONGEST_SCOPING = 60_000

Ids = NDArray[np.int64]
_PEOPLE, _WIDTH = ">u4", 4
TABLE, COLUMNS = "register_searchkey", ("digest", "first_individual", "individuals")
_ROW_BEFORE = """
SELECT first_individual, individuals FROM register_searchkey WHERE digest = %s AND first_individual <= %s
ORDER BY first_individual DESC LIMIT 1 {held}
"""
_SHORTEN = (
    "UPDATE register_searchkey SET first_individual = %s, individuals = %s WHERE digest = %s AND first_individual = %s"
)
_DROP = "DELETE FROM register_searchkey WHERE digest = %s AND first_individual = %s"


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


def rows_of(people: Collection[tuple[int, bytes]]) -> list[tuple[int, int, bytes]]:
    """The rows of the index, in its order, for people with these numbers and packed digests."""
    digests = np.frombuffer(b"".join([searched for _, searched in people]), dtype="<i8")
    numbers = np.repeat([number for number, _ in people], [len(searched) // digests.itemsize for _, searched in people])
    order = np.lexsort((numbers, digests))
    digests, numbers = digests[order], numbers[order]
    begins = np.flatnonzero(np.diff(digests, prepend=~digests[:1])).tolist()
    spans = [
        (start, min(start + ROW, end))
        for begin, end in itertools.pairwise([*begins, len(digests)])
        for start in range(begin, end, ROW)
    ]
    packed, firsts = pack_people(numbers), [start for start, _ in spans]
    return [
        (digest, first, packed[start * _WIDTH : end * _WIDTH])
        for digest, first, (start, end) in zip(digests[firsts].tolist(), numbers[firsts].tolist(), spans, strict=True)
    ]


def pack_people(numbers: Iterable[int] | Ids) -> bytes:
    """Numbers of people as a row of the index keeps them. LIMIT: numbers under 2^32; a greater one raises OverflowError."""
    every = np.fromiter(numbers, dtype=np.int64) if not isinstance(numbers, np.ndarray) else numbers
    if every.size and int(every.max()) >> 32:
        raise OverflowError("The index has room for four thousand million people.")
    return every.astype(_PEOPLE).tobytes()


def unpack_people(packed: bytes | memoryview) -> Ids:
    """The reverse of `pack_people`."""
    return np.frombuffer(bytes(packed), dtype=_PEOPLE).astype(np.int64)


def add_person(individual_id: int, digests: Iterable[int]) -> None:
    """Let a person be found under these digests, under which they were not."""
    own = pack_people([individual_id])
    bulk.insert(TABLE, COLUMNS, [(value, individual_id, own) for value in sorted(digests)])


def remove_person(individual_id: int, searched: bytes | memoryview) -> None:
    """Take a person out of the index. Two removals at once take rows in the same order and wait for each other."""
    with connection.cursor() as cursor:
        for value in unpack(searched):
            _remove(cursor, value, individual_id)


def _remove(cursor: CursorWrapper, value: int, individual_id: int) -> None:
    before, held = individual_id, "FOR UPDATE" if connection.vendor == "postgresql" else ""
    while True:
        # Rows that came at the same time may reach into each other: the person is in the nearest one nearly always.
        cursor.execute(_ROW_BEFORE.format(held=held), [value, before])
        row = cursor.fetchone()
        if row is None:
            return
        first, people = int(row[0]), unpack_people(row[1])
        rest = people[people != individual_id]
        if len(rest) < len(people):
            _put_back(cursor, value, first, rest)
            return
        before = first - 1


def _put_back(cursor: CursorWrapper, value: int, first: int, rest: Ids) -> None:
    if len(rest):
        cursor.execute(_SHORTEN, [int(rest[0]), pack_people(rest), value, first])
    else:
        cursor.execute(_DROP, [value, first])


# --- looking up ----------------------------------------------------------------------------------------------------------


def find(words: str, *, areas: list[str], limit: int = 50) -> list[int]:
    """The people whom these words may mean, best first: words of names in any order, a telephone, or a paper's number. `areas`
    are P-codes under which the asking member may look; [""] is everywhere."""
    asked = list(spoken.words(words))
    if not areas or not (asked or number_key(words)):
        return []
    index_key = vault().index_key
    runs, scope = _Runs(), _Scope(areas)
    by_number = digest(index_key, SearchKind.NUMBER, number_key(words))
    found: list[int] = []
    for wide in (False, True):
        digests = [_asked_digests(index_key, word, wide=wide) for word in asked]
        runs.read({by_number, *itertools.chain.from_iterable(digests)})
        if not wide:
            found = scope.first(runs.people([by_number]), limit)
        if len(found) < limit and asked:
            candidates = _meeting([runs.people(each) for each in digests])
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

    def read(self, digests: Collection[int]) -> None:
        """Read these runs, all in one query."""
        new = sorted(set(digests) - set(self._read))
        parts: dict[int, list[bytes]] = {value: [] for value in new}
        for value, packed in _rows_under(new) if new else ():
            parts[int(value)].append(bytes(packed))
        self._read |= {value: unpack_people(b"".join(each)) for value, each in parts.items()}

    def people(self, digests: Collection[int]) -> Ids:
        """The people under these digests, which were read, once each, by number."""
        return _once(np.concatenate([_NOBODY, *(self._read[value] for value in digests)]))


def _meeting(every: list[Ids]) -> Ids:
    """Who is in all of these, by number."""
    met, *others = sorted(every, key=len)
    for each in others:
        met = met[np.isin(met, each, kind="table")]
    return met


_NOBODY: Ids = np.array([], dtype=np.int64)
_MANY, _MANY_HOMES = 500, 5_000
_RUNS = "SELECT k.digest, k.individuals FROM register_searchkey k WHERE k.digest IN (SELECT c.value FROM json_each(%s) AS c)"
# Joined there: row by row takes longer. As an array: for a join PostgreSQL could read the whole index.
_RUNS_JOINED = """
SELECT k.digest, string_agg(k.individuals, ''::bytea) FROM register_searchkey k
WHERE k.digest = ANY(%s::bigint[]) GROUP BY k.digest
"""


def _rows_under(digests: list[int]) -> list[tuple[int, bytes]]:
    if connection.vendor == "postgresql":
        # Binary, which Django's own cursors cannot: as text a run takes three times as long to come.
        connection.ensure_connection()
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as binary:
            return binary.execute(_RUNS_JOINED, [digests], binary=True).fetchall()
    with connection.cursor() as cursor:
        return list(cursor.execute(_RUNS, [_list(digests)]).fetchall())


def _once(ids: Ids) -> Ids:
    """Each number once, in order (`np.unique` does not use that the runs are in order)."""
    ordered = np.sort(ids, kind="stable")
    first: NDArray[np.bool_] = np.diff(ordered, prepend=-1) != 0
    return ordered[first]


def _signs(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _list(numbers: list[int]) -> str | list[int]:
    """Numbers as one argument of a query: PostgreSQL's array, SQLite's JSON."""
    return numbers if connection.vendor == "postgresql" else bulk.json_text(numbers)


def _among(column: str) -> str:
    """Whether a column is one of a `_list`."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)"
    return f"{column} IN (SELECT c.value FROM json_each(%s) AS c)"


def _numbers(sql: str, *given: int | str | list[int]) -> Ids:
    """A query's one column of numbers. It comes as one text: row by row takes four times as long."""
    joined = "string_agg(n::text, ',')" if connection.vendor == "postgresql" else "group_concat(n)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {joined} FROM ({sql}) AS found", given)
        text: str | None = cursor.fetchone()[0]
    return np.fromstring(text, dtype=np.int64, sep=",") if text else _NOBODY


# The place as a value rather than a join: PostgreSQL would read all households for a join.
_IN_AREA = """
SELECT i.id FROM register_individual i WHERE {among} AND i.state <> %s AND ({scope}) ORDER BY i.id LIMIT %s
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
            part = _list(ids[start : start + _SCOPED_AT_ONCE].tolist())
            sql = _IN_AREA.format(among=_among("i.id"), scope=self._condition)
            with connection.cursor() as cursor:
                cursor.execute(sql, [part, RecordState.MERGED.value, *self._arguments, enough - len(found)])
                found += [int(row[0]) for row in cursor.fetchall()]
            if len(found) >= enough:
                break
        return found

    def _near(self, ids: Ids) -> Ids:
        """Candidates without those who live elsewhere, where the areas are small, so that few have to be looked at."""
        return ids if self._living is None else ids[np.isin(ids, self._living, kind="table")]

    @functools.cached_property
    def _living(self) -> Ids | None:
        """Who lives in the areas, and everybody without a household, who may collect for one there. None where these are too
        many."""
        codes = named_codes(self._areas) if self._areas else []
        if not codes or not isinstance(codes, list):
            return None
        within = f"SELECT id AS n FROM register_household WHERE area_id IN ({_signs(codes)}) LIMIT {_MANY_HOMES}"
        homes = _numbers(within, *codes)
        if len(homes) == _MANY_HOMES:
            return None
        members = f"SELECT id AS n FROM register_individual WHERE {_among('household_id')}"
        homeless = "SELECT id AS n FROM register_individual WHERE household_id IS NULL"
        return np.concatenate([_numbers(members, _list(homes.tolist())), _numbers(homeless)])


def _best(words: str, ids: list[int], limit: int) -> list[int]:
    """The most alike of these people, best first. Opens their names to compare them; nobody is shown any."""
    rows = list(Individual.objects.filter(id__in=bulk.these(ids)).values_list("id", "key", "sealed"))
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
