"""Finding people by name, telephone or number without reading names: the blind index.

Of each word of each name the index holds keyed digests of how it sounds (`sounds`, three ways) and of how it begins; of each
telephone and paper number one of the whole. `find` turns the words that were typed into the same digests, intersects the runs of
rows, opens at most `OPENED` candidates and orders them by real likeness. Not here: who may see the result (`access`).

LIMIT: equal words have equal digests. Without the index key nobody can test a name, but whoever holds the database sees how
often each digest occurs, and the commonest one in a country is not hard to guess. docs/decisions/0027 says what follows.
"""

import functools
import hashlib
from collections.abc import Iterable

import jellyfish
import numpy as np
from django.db import connection
from numpy.typing import NDArray

from amparo_common.secret import Secret
from amparo_office.register import words as spoken
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
    by_number = _run(digest(index_key, SearchKind.NUMBER, number_key(words)))
    found = _scoped(by_number, areas, limit)
    for matching in (spoken.close_codes, spoken.wide_codes):
        if len(found) < limit and asked:
            candidates = _meeting(index_key, asked, wide=matching is spoken.wide_codes)
            fresh = candidates[~np.isin(candidates, np.array(found, dtype=np.int64))]
            found += _best(words, _scoped(fresh, areas, OPENED), limit - len(found))
    return found[:limit]


def _meeting(index_key: Secret, asked: list[str], *, wide: bool) -> Ids:
    """Who has all the words. Wide: by consonants and beginnings too."""
    met: Ids | None = None
    for word in asked:
        codes = [(SearchKind.SOUND, code) for code in spoken.close_codes(word)]
        if wide:
            codes += [(SearchKind.SOUND, code) for code in spoken.wide_codes(word)]
            codes += [(SearchKind.START, max(starts(word), key=len))] if starts(word) else []
        runs = [_run(digest(index_key, kind, code)) for kind, code in codes]
        having = np.unique(np.concatenate(runs)) if runs else np.array([], dtype=np.int64)
        met = having if met is None else np.intersect1d(met, having, assume_unique=True)
        if not met.size:
            break
    return np.array([], dtype=np.int64) if met is None else met


def _run(value: int) -> Ids:
    """The people under one digest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT individual_id FROM register_searchkey WHERE digest = %s", [value])
        return np.array([row[0] for row in cursor.fetchall()], dtype=np.int64)


_IN_AREA = """
SELECT i.id FROM register_individual i LEFT JOIN register_household h ON h.id = i.household_id
WHERE i.id IN ({ids}) AND i.state <> %s {scope} ORDER BY i.id LIMIT %s
"""
_PLACE = """COALESCE(h.area_id, (SELECT o.area_id FROM register_collector c JOIN register_household o ON o.id = c.household_id
  WHERE c.individual_id = i.id LIMIT 1), '')"""


def _scoped(ids: Ids, areas: list[str], enough: int) -> list[int]:
    """The first `enough` of these people who are in the areas and not merged into somebody else."""
    scope = "" if "" in areas else f"AND ({' OR '.join([f'substr({_PLACE}, 1, %s) = %s'] * len(areas))})"
    arguments = [] if "" in areas else [value for area in areas for value in (len(area), area)]
    found: list[int] = []
    for start in range(0, min(len(ids), _LONGEST_SCOPING), _SCOPED_AT_ONCE):
        part = [int(each) for each in ids[start : start + _SCOPED_AT_ONCE]]
        sql = _IN_AREA.format(ids=", ".join(["%s"] * len(part)), scope=scope)
        with connection.cursor() as cursor:
            cursor.execute(sql, [*part, RecordState.MERGED.value, *arguments, enough - len(found)])
            found += [int(row[0]) for row in cursor.fetchall()]
        if len(found) >= enough:
            break
    return found


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
