"""The blind index is packed: people who have a digest stand in rows of up to 250 instead of a row each (docs/decisions/0038)."""

import itertools
from collections.abc import Iterator
from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_ROW, _AT_ONCE, _WIDTH = 250, 100_000, 4
_FORMER = "register_individual_household_id_f1a10ba7"
Pair = tuple[int, int]
Packed = tuple[int, int, bytes]


def pack(apps: Any, schema: BaseDatabaseSchemaEditor) -> None:
    """The packed table, filled from the former one, which goes. About a minute for a million people."""
    del apps
    # PostgreSQL reads a run from its tree alone when the packed numbers stand there too; SQLite's table is the tree.
    sqlite = schema.connection.vendor == "sqlite"
    blob, within, ending = ("blob", "", " WITHOUT ROWID") if sqlite else ("bytea", " INCLUDE (individuals)", "")
    schema.execute("ALTER TABLE register_searchkey RENAME TO register_searchkey_single")
    schema.execute(
        f"CREATE TABLE register_searchkey (digest bigint NOT NULL, first_individual bigint NOT NULL, individuals {blob}"
        f" NOT NULL, CONSTRAINT searchkey_packed PRIMARY KEY (digest, first_individual){within}){ending}"
    )
    rows = _packed(_pairs(schema))
    _insert(schema, "INSERT INTO register_searchkey (digest, first_individual, individuals) VALUES (%s, %s, %s)", rows)
    schema.execute("DROP TABLE register_searchkey_single")


def unpack(apps: Any, schema: BaseDatabaseSchemaEditor) -> None:
    """The reverse."""
    del apps
    ending = " WITHOUT ROWID" if schema.connection.vendor == "sqlite" else ""
    schema.execute("ALTER TABLE register_searchkey RENAME TO register_searchkey_packed")
    schema.execute(
        "CREATE TABLE register_searchkey (digest bigint NOT NULL, individual_id bigint NOT NULL,"
        f" PRIMARY KEY (digest, individual_id)){ending}"
    )
    with schema.connection.cursor() as cursor:
        cursor.execute("SELECT digest, individuals FROM register_searchkey_packed")
        rows = [(digest, number) for digest, packed in cursor.fetchall() for number in _numbers(bytes(packed))]
    _insert(schema, "INSERT INTO register_searchkey (digest, individual_id) VALUES (%s, %s)", iter(rows))
    schema.execute("DROP TABLE register_searchkey_packed")


def _pairs(schema: BaseDatabaseSchemaEditor) -> Iterator[Pair]:
    """All of the former table, in its order."""
    last: Pair | None = None
    with schema.connection.cursor() as cursor:
        while True:
            after = "" if last is None else "WHERE (digest, individual_id) > (%s, %s)"
            cursor.execute(
                f"SELECT digest, individual_id FROM register_searchkey_single {after} ORDER BY digest, individual_id LIMIT %s",
                [*(last or ()), _AT_ONCE],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            yield from rows
            last = rows[-1]


def _packed(pairs: Iterator[Pair]) -> Iterator[Packed]:
    for digest, group in itertools.groupby(pairs, lambda pair: pair[0]):
        while numbers := [number for _, number in itertools.islice(group, _ROW)]:
            yield digest, numbers[0], b"".join(number.to_bytes(_WIDTH, "big") for number in numbers)


def _numbers(packed: bytes) -> list[int]:
    return [int.from_bytes(packed[start : start + _WIDTH], "big") for start in range(0, len(packed), _WIDTH)]


def _insert(schema: BaseDatabaseSchemaEditor, sql: str, rows: Iterator[Any]) -> None:
    with schema.connection.cursor() as cursor:
        while some := list(itertools.islice(rows, _AT_ONCE)):
            cursor.executemany(sql, some)


class Migration(migrations.Migration):
    dependencies = [("register", "0003_erased")]

    operations = [
        migrations.RunPython(pack, unpack),
        # The table itself is not managed: these tell Django its columns.
        migrations.DeleteModel("SearchKey"),
        migrations.CreateModel(
            name="SearchKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "digest", "first_individual", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("digest", models.BigIntegerField()),
                ("first_individual", models.BigIntegerField()),
                ("individuals", models.BinaryField()),
            ],
            options={"db_table": "register_searchkey", "managed": False},
        ),
        # By hand: Django would make SQLite's table anew, which would forget the numbers of people who were erased.
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    f"DROP INDEX {_FORMER}", f"CREATE INDEX {_FORMER} ON register_individual (household_id)"
                )
            ],
            [
                migrations.AlterField(
                    model_name="individual",
                    name="household",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=models.CASCADE,
                        related_name="members",
                        to="register.household",
                    ),
                )
            ],
        ),
        migrations.AddIndex(
            model_name="individual", index=models.Index(fields=["household", "id"], name="individual_household")
        ),
    ]
