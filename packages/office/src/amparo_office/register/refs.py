"""References and numbers of new records. A reference is random and says nothing about anybody; a row's number is known before it is
written, because it is bound into the row's seal."""

import secrets
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, TypeVar

import numpy as np
from django.db import connection, transaction

from amparo_office.register import bulk
from amparo_office.register.models import Household, Individual

RefKind = Literal["H", "P"]
Each = TypeVar("Each")
_AT_ONCE = 1_000
_REF_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {sign: value for value, sign in enumerate(_REF_SIGNS)}
_DOUBLED = {sign: 2 * value // 32 + 2 * value % 32 for value, sign in enumerate(_REF_SIGNS)}
_LENGTH = 11


def new_ref(kind: RefKind) -> str:
    """A new reference such as "H-7F3K-9Q2M": seven random signs and a check sign. It says nothing about anybody."""
    (ref,) = _random_refs(kind, 1)
    return ref


def _random_refs(kind: RefKind, count: int) -> list[str]:
    values = np.frombuffer(secrets.token_bytes(7 * count), dtype=np.uint8).reshape(count, 7) & 31
    doubled = values[:, ::2].astype(np.int64) * 2
    total = (doubled // 32 + doubled % 32).sum(axis=1) + values[:, 1::2].sum(axis=1, dtype=np.int64)
    signs = np.frombuffer(_REF_SIGNS.encode(), dtype=np.uint8)
    refs = np.empty((count, _LENGTH), dtype=np.uint8)
    refs[:] = np.frombuffer(f"{kind}-....-....".encode(), dtype=np.uint8)
    refs[:, 2:6], refs[:, 7:10], refs[:, 10] = signs[values[:, :4]], signs[values[:, 4:]], signs[-total % 32]
    text = refs.tobytes().decode()
    return [text[start : start + _LENGTH] for start in range(0, len(text), _LENGTH)]


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
    """Numbers for new rows, before they are written: a row's number is bound into its seal. No two rows get the same one, also
    when they are written later; a number whose row never comes stays unused."""
    table = model._meta.db_table
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return [int(row[0]) for row in cursor.fetchall()]
        cursor.execute("UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s RETURNING seq", [count, table])
        row = cursor.fetchone()
        if row is None:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, count])
    last = count if row is None else int(row[0])
    return list(range(last - count + 1, last + 1))


def new_refs(kind: RefKind, count: int) -> list[str]:
    """New references that no record has."""
    model = Household if kind == "H" else Individual
    found: set[str] = set()
    while len(found) < count:
        fresh = set(_random_refs(kind, count - len(found)))
        for some in chunks(sorted(fresh)):
            fresh -= set(model.objects.filter(ref__in=bulk.these(some)).values_list("ref", flat=True))
        found |= fresh
    return list(found)


def chunks(every: Iterable[Each]) -> Iterator[list[Each]]:
    """In parts of a thousand."""
    left = iter(every)
    while some := list(islice(left, _AT_ONCE)):
        yield some
