"""The mint and its signer have no word for a person, and the mint no table that could tell who, when or in which order."""

import ast
import re
import sqlite3

from tests.tidy.tree import Workspace, identifiers, listed, plant, string_constants, words

from amparo_mint.postgres_schema import MIGRATIONS as POSTGRES_MIGRATIONS
from amparo_mint.postgres_schema import loose_tables, packed_tables
from amparo_mint.sqlite_store import MIGRATIONS as SQLITE_MIGRATIONS
from amparo_mint.sqlite_store import token_tables as sqlite_token_tables

SQLITE = "".join(SQLITE_MIGRATIONS) + ";\n".join(sqlite_token_tables(1))
POSTGRES = "".join(POSTGRES_MIGRATIONS) + ";\n".join(
    [loose_tables("fresh", 1), loose_tables("aside", 1), packed_tables(1)]
)

# Words that would have to appear if the mint came to know somebody.
PEOPLE = {
    *("person", "persons", "people", "household", "households", "family", "families", "member", "members"),
    *("name", "names", "surname", "phone", "phones", "email", "address", "birth", "gender", "sex", "photo"),
    *("beneficiary", "beneficiaries", "recipient", "recipients", "citizen", "holder", "iban", "ip"),
}
# (file, what the line says) -> why it is about nobody. `__name__` and its kind are never counted.
ALLOWED = {
    ("asgi.py", "def header(self, name: bytes)"): "the name of an HTTP header",
    ("asgi.py", "if found == name"): "the same",
    ("filters.py", ".name"): "the name of a file",
    ("info.py", 'name="Amparo"'): "NUT-06: the mint's own name",
    ("postgres_pool.py", "address"): "where the database is",
    ("postgres_store.py", "address"): "the same",
    ("sqlite_store.py", "thread_name_prefix="): "the name of a thread",
}
# Words that the signer, which gets keysets and points and nothing else, may use: names of keysets, files and engines, and
# addresses of its own memory.
IN_THE_SIGNER = {"name", "names", "address"}
# Tables that need no WITHOUT ROWID: their order is public or gone.
ORDERED = {
    "keyset": "keysets are in the public log in the same order",
    "progress": "one row",
}
# Where the schemas that are looked at here are made: (file, name of the constant or function).
SCHEMAS = {
    *(("sqlite_store.py", name) for name in ("_TABLES", "_QUOTES_GO", "token_tables")),
    *(("postgres_schema.py", name) for name in ("_TABLES", "_QUOTES_GO", "_PACKED")),
    *(("postgres_schema.py", name) for name in ("token_tables", "loose_tables", "packed_tables")),
}
# (file, what the statement begins with) -> why it is no table of tokens or people.
MADE_ELSEWHERE = {
    ("postgres_store.py", "CREATE TABLE schema_version (version integer NOT NULL)"): "one number",
    ("roles.py", "CREATE TABLE IF NOT EXISTS public.schema_version (version integer NOT NULL)"): "the same",
}
_SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|FROM|WHERE|JOIN)\b")
_MADE = re.compile(r"\b(CREATE (UNLOGGED )?(TEMP |TEMPORARY )?TABLE|ALTER TABLE|ADD COLUMN)\b")
_TABLE = re.compile(r"CREATE TABLE (\w+) \(")
_ADDED = re.compile(r"ALTER TABLE (\w+) ADD COLUMN ([^;]+);")
_DROPPED = re.compile(r"DROP TABLE (\w+);")
_KINDS = {"smallint", "integer", "bigint", "text", "uuid", "bytea", "uuid[]", "bigint[]"}
_RULES = {"PRIMARY", "CHECK", "UNIQUE", "FOREIGN", "CONSTRAINT"}
_TIME = {"at", "time", "date", "day", "when", "created", "updated", "timestamp", "moment", "seen", "hour", "clock"}


def people_in_the_mint(workspace: Workspace, allowed: dict[tuple[str, str], str] = ALLOWED) -> list[str]:
    """Identifiers, JSON field names, tables and columns of the mint and its signer that contain a word for a person."""
    faults, used = [], set()
    for module in workspace.modules("mint", "signer"):
        lines = module.text.splitlines()
        names = [(node, name) for node, name in identifiers(module.tree) if not re.fullmatch(r"__\w+__", name)]
        names += [(node, text) for node, text in string_constants(module.tree) if _SQL.search(text)]
        for node, name in names:
            guilty = set().union(*(words(each) for each in re.findall(r"[A-Za-z_]+", name))) & PEOPLE
            guilty -= IN_THE_SIGNER if module.package == "signer" else set()
            if not guilty:
                continue
            line = lines[getattr(node, "lineno", 1) - 1]
            excuse = next((key for key in allowed if key[0] == module.path.name and key[1] in line), None)
            if excuse is None:
                faults.append(f"{module.at(node)}: {', '.join(sorted(guilty))}")
            else:
                used.add(excuse)
    return faults + [f"mint/{file}: {text} is allowed and not there" for file, text in sorted(set(allowed) - used)]


def telling_tables(schema: str) -> list[str]:
    """Tables of a SQLite schema that keep an order of arrival, and columns that keep a time or a person."""
    database = sqlite3.connect(":memory:")
    database.executescript(schema)
    faults = []
    for _, table, kind, _, without_rowid, _ in database.execute("PRAGMA table_list").fetchall():
        if kind != "table" or table.startswith("sqlite_"):
            continue
        if not without_rowid and table not in ORDERED:
            faults.append(f"table {table} keeps the order of arrival: it is not WITHOUT ROWID")
        for column in database.execute(f"PRAGMA table_info({table})").fetchall():
            guilty = words(column[1]) & (_TIME | PEOPLE)
            if guilty:
                faults.append(f"column {table}.{column[1]} keeps {', '.join(sorted(guilty))}")
    database.close()
    return faults


def columns_of(schema: str) -> dict[str, list[str]]:
    """The columns of a schema by table, each with its type and the rest of its words."""
    found: dict[str, list[str]] = {}
    for made in _TABLE.finditer(schema):
        depth, column = 1, ""
        columns = found.setdefault(made[1], [])
        for sign in schema[made.end() :]:
            depth += {"(": 1, ")": -1}.get(sign, 0)
            if depth == 0 or (depth == 1 and sign == ","):
                columns.append(" ".join(column.split()))
                column = ""
            else:
                column += sign
            if depth == 0:
                break
        found[made[1]] = [each for each in columns if each.split()[0] not in _RULES]
    for table, column in _ADDED.findall(schema):
        found[table].append(" ".join(column.split()))
    for table in _DROPPED.findall(schema):
        found.pop(table, None)
    return found


def telling_columns(schema: str) -> list[str]:
    """Columns of a PostgreSQL schema that keep a time, an order or a person."""
    faults = []
    for table, columns in columns_of(schema).items():
        for column in columns:
            name, kind, *rest = column.split()
            guilty = words(name) & (_TIME | PEOPLE)
            if guilty:
                faults.append(f"column {table}.{name} keeps {', '.join(sorted(guilty))}")
            if kind not in _KINDS:
                faults.append(f"column {table}.{name} is of the type {kind}")
            if table not in ORDERED and {"IDENTITY", "GENERATED", "nextval"} & set(rest):
                faults.append(f"column {table}.{name} counts arrivals")
    return faults


def tables_elsewhere(workspace: Workspace, allowed: dict[tuple[str, str], str] = MADE_ELSEWHERE) -> list[str]:
    """Tables of the mint and its signer that are not made by the schemas that are looked at."""
    faults, used = [], set()
    for module in workspace.modules("mint", "signer"):
        schemas = [
            node
            for node in module.tree.body
            if (isinstance(node, ast.Assign) and (module.path.name, ast.unparse(node.targets[0])) in SCHEMAS)
            or (isinstance(node, ast.FunctionDef) and (module.path.name, node.name) in SCHEMAS)
        ]
        inside = {id(node) for schema in schemas for node in ast.walk(schema)}
        for node, text in string_constants(module.tree):
            if not _MADE.search(text) or id(node) in inside:
                continue
            if (module.path.name, text) in allowed:
                used.add((module.path.name, text))
            else:
                faults.append(f"{module.at(node)}: a table is made outside of the schemas")
    return faults + [f"mint/{file}: {text} is allowed and not there" for file, text in sorted(set(allowed) - used)]


def test_the_mint_has_no_word_for_a_person(workspace: Workspace) -> None:
    faults = people_in_the_mint(workspace)
    assert not faults, listed(faults)


def test_the_mint_keeps_no_order_and_no_time(workspace: Workspace) -> None:
    faults = telling_tables(SQLITE) + telling_columns(POSTGRES) + tables_elsewhere(workspace)
    assert not faults, listed(faults)


def test_both_databases_have_the_same_tables_with_the_same_columns() -> None:
    sqlite, postgres = (
        {table: [column.split()[0] for column in columns] for table, columns in columns_of(schema).items()}
        for schema in (SQLITE, POSTGRES)
    )
    packed = {"spent_1": ["first", "depth", "hashes"], "issued_1": ["first", "depth", "hashes", "amounts"]}
    loose = {f"{place}_{table}": sqlite[table] for place in ("fresh", "aside") for table in packed}
    assert postgres == sqlite | loose | packed
    assert len(sqlite) > 8


def test_a_person_in_the_mint_is_seen(copy: Workspace) -> None:
    leak = "packages/mint/src/amparo_mint/leak.py"
    plant(
        copy,
        leak,
        "def pay(household_id):\n"
        "    class PersonRow:\n"
        "        full_name: str\n"
        "    row.phone = 1\n"
        "    make(name=2)\n"
        "    connection.execute('SELECT amount FROM mint_quote WHERE household = ?')\n"
        "    return {'recipient': 1}\n"
        "    import people as p\n"
        "    print(__name__, 'a household is a word in a sentence')\n",
    )
    assert {int(fault.split(":")[1]) for fault in people_in_the_mint(copy) if fault.startswith(leak)} == {
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
    }


def test_a_stale_allowance_is_seen(workspace: Workspace) -> None:
    stale = ALLOWED | {("config.py", "name"): "a reason"}
    assert "mint/config.py: name is allowed and not there" in people_in_the_mint(workspace, stale)


def test_a_person_in_the_signer_is_seen(copy: Workspace) -> None:
    leak = "packages/signer/src/amparo_signer/leak.py"
    plant(copy, leak, "def sign(household):\n    pass\n")
    assert [fault for fault in people_in_the_mint(copy) if fault.startswith(leak)] == [f"{leak}:1: household"]


def test_a_table_that_tells_is_seen() -> None:
    schema = SQLITE + (
        ";CREATE TABLE arrival (hash BLOB PRIMARY KEY);"
        "CREATE TABLE visit (hash BLOB PRIMARY KEY, spent_at TEXT, holder_key BLOB) WITHOUT ROWID;"
    )
    assert sorted(telling_tables(schema)) == [
        "column visit.holder_key keeps holder",
        "column visit.spent_at keeps at",
        "table arrival keeps the order of arrival: it is not WITHOUT ROWID",
    ]


def test_a_column_of_postgresql_that_tells_is_seen() -> None:
    schema = POSTGRES + (
        "CREATE TABLE arrival (number bigint GENERATED ALWAYS AS IDENTITY, hash uuid PRIMARY KEY, CHECK (number > 0));"
        "CREATE TABLE visit (hash uuid, spent_at timestamptz DEFAULT now(), holder_key bytea, UNIQUE (hash, spent_at));"
    )
    assert sorted(telling_columns(schema)) == [
        "column arrival.number counts arrivals",
        "column visit.holder_key keeps holder",
        "column visit.spent_at is of the type timestamptz",
        "column visit.spent_at keeps at",
    ]


def test_a_table_made_elsewhere_is_seen(copy: Workspace) -> None:
    plant(copy, "packages/mint/src/amparo_mint/leak.py", "SCHEMA = 'CREATE TABLE arrival (hash BLOB)'\n")
    plant(copy, "packages/signer/src/amparo_signer/leak.py", "X = 'CREATE UNLOGGED TABLE arrival (hash uuid)'\n")
    plant(copy, "packages/mint/src/amparo_mint/store.py", "\nMORE = 'ALTER TABLE spent ADD COLUMN arrival'\n")
    assert len(tables_elsewhere(copy)) == 3
    stale = MADE_ELSEWHERE | {("store.py", "CREATE TABLE x"): "a reason"}
    assert "mint/store.py: CREATE TABLE x is allowed and not there" in tables_elsewhere(copy, stale)
