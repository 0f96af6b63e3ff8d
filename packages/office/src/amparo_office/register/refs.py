"""References and numbers of new records. A reference is random and says nothing about anybody; a row's number is known before it is
written, because it is bound into the row's seal."""

import secrets
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, TypeVar

from django.db import connection

from amparo_office.register.models import Household, Individual

RefKind = Literal["H", "P"]
Each = TypeVar("Each")
_AT_ONCE = 1_000
_REF_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {sign: value for value, sign in enumerate(_REF_SIGNS)}
_DOUBLED = {sign: 2 * value // 32 + 2 * value % 32 for value, sign in enumerate(_REF_SIGNS)}


def new_ref(kind: RefKind) -> str:
    """A new reference such as "H-7F3K-9Q2M": seven random signs and a check sign. It says nothing about anybody."""
    signs = "".join([_REF_SIGNS[byte & 31] for byte in secrets.token_bytes(7)])
    return f"{kind}-{signs[:4]}-{signs[4:]}{check_sign(signs)}"


def check_sign(signs: str) -> str:
    """The last sign of a reference: any one wrong sign, and nearly every exchange of two neighbours, shows (Luhn, modulo 32)."""
    doubled, single = signs[::-2], signs[-2::-2]
    total = sum([_DOUBLED[sign] for sign in doubled]) + sum([_VALUE[sign] for sign in single])
    return _REF_SIGNS[-total % 32]


def read_ref(said: str) -> str | None:
    """A reference as somebody typed it (small letters, O for 0, no dashes), in its one form; None when it is none."""
    signs = said.upper().replace("-", "").replace(" ", "")
    kind, rest = signs[:1], signs[1:].replace("O", "0").replace("I", "1").replace("L", "1")
    if kind not in ("H", "P") or len(rest) != 8 or set(rest) - set(_REF_SIGNS) or check_sign(rest[:7]) != rest[7]:
        return None
    return f"{kind}-{rest[:4]}-{rest[4:]}"


def new_numbers(model: type[Household] | type[Individual], count: int) -> list[int]:
    """Numbers for new rows, before they are written: a row's number is bound into its seal. In the transaction that writes."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return [int(row[0]) for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
    first = 1 if row is None else int(row[0]) + 1
    return list(range(first, first + count))


def new_refs(kind: RefKind, count: int) -> list[str]:
    """New references that no record has."""
    model = Household if kind == "H" else Individual
    found: set[str] = set()
    while len(found) < count:
        fresh = {new_ref(kind) for _ in range(count - len(found))}
        for some in chunks(sorted(fresh)):
            fresh -= set(model.objects.filter(ref__in=some).values_list("ref", flat=True))
        found |= fresh
    return list(found)


def chunks(every: Iterable[Each]) -> Iterator[list[Each]]:
    """In parts of a thousand."""
    left = iter(every)
    while some := list(islice(left, _AT_ONCE)):
        yield some
