"""Writing many rows fast, in the caller's transaction: PostgreSQL takes them in one stream or one statement, SQLite in a prepared
statement each. For rows that are made or held here and cannot clash. What stands in a JSON column is given as its text."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, models
from django.db.models.expressions import RawSQL

Value = str | int | bytes | bool | datetime | UUID | None
_ARRAYS = {
    models.BigIntegerField: "bigint[]",
    models.BooleanField: "boolean[]",
    models.JSONField: "jsonb[]",
    models.PositiveIntegerField: "integer[]",
}


def insert(table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    """Add rows to a table."""
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        signs = ", ".join(["%s"] * len(columns))
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({signs})", rows if isinstance(rows, list) else list(rows)
        )


def update(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    """Set these columns of rows that the caller holds; each of `rows` ends with the row's id."""
    table, every = model._meta.db_table, list(rows)
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            said = ", ".join(f"{name} = %s" for name in columns)
            cursor.executemany(f"UPDATE {table} SET {said} WHERE id = %s", every)
        elif every:
            said = ", ".join(f"{name} = given.{name}" for name in columns)
            arrays = ", ".join(f"%s::{_array(model, name)}" for name in (*columns, "id"))
            named = ", ".join((*columns, "id"))
            cursor.execute(
                f"UPDATE {table} AS held SET {said} FROM unnest({arrays}) AS given ({named}) WHERE held.id = given.id",
                [list(values) for values in zip(*every, strict=True)],
            )


def measure(*every: type[models.Model]) -> None:
    """Let PostgreSQL count what stands in these tables, after very many rows came. It does so by itself a minute later; until then
    it would read whole tables to find a few."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE " + ", ".join(each._meta.db_table for each in every))


def these(values: Iterable[int] | Iterable[str]) -> RawSQL:
    """Many numbers or texts, to stand after `__in`: as one argument, where a thousand would take longer to send than to look up."""
    given = list(values)
    if connection.vendor != "postgresql":
        return RawSQL("SELECT c.value FROM json_each(%s) AS c", [json_text(given)])
    if given and isinstance(given[0], str):
        return RawSQL("SELECT c.value FROM unnest(%s::text[]) AS c(value)", [given])
    return RawSQL("SELECT c.value FROM unnest(%s::bigint[]) AS c(value)", [given])


def json_text(value: Any) -> str:
    """A value as a JSON column takes it here."""
    return msgspec.json.encode(value).decode()


def told(model: type[models.Model], column: str, value: object) -> Value:
    """A moment or a member's number as this column takes it here."""
    adapted: Value = _field(model, column).get_db_prep_save(value, connection)
    return adapted


def _field(model: type[models.Model], column: str) -> "models.Field[Any, Any]":
    return next(field for field in model._meta.local_concrete_fields if field.column == column)


def _array(model: type[models.Model], column: str) -> str:
    field = _field(model, column)
    return next((array for kind, array in _ARRAYS.items() if isinstance(field, kind)), "text[]")
