"""The mint has no word for a person and no table that could tell who, when or in which order."""

import ast
import re
import sqlite3

from tests.tidy.tree import Workspace, identifiers, listed, plant, string_constants, words

from amparo_mint.store import SCHEMA

# Words that would have to appear if the mint came to know somebody.
PEOPLE = {
    *("person", "persons", "people", "household", "households", "family", "families", "member", "members"),
    *("name", "names", "surname", "phone", "phones", "email", "address", "birth", "gender", "sex", "photo"),
    *("beneficiary", "beneficiaries", "recipient", "recipients", "citizen", "holder", "iban", "ip"),
}
# (file, what the line says) -> why it is about nobody. `__name__` and its kind are never counted.
ALLOWED = {
    ("http.py", '"name": "Amparo"'): "NUT-06: the mint's own name",
    ("keysets.py", "_seed_name("): "the name of the file that holds a keyset's seed",
    ("store.py", 'name="mint-writer"'): "the name of a thread",
}
# Tables that need no WITHOUT ROWID: their order is public or gone.
ORDERED = {
    "keyset": "keysets are in the public log in the same order",
    "outbox": "messages about shops' deposits, in order of delivery; each is deleted once it is delivered",
}
_SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|FROM|WHERE|JOIN)\b")
_TIME = {"at", "time", "date", "day", "when", "created", "updated", "timestamp", "moment", "seen", "hour", "clock"}


def people_in_the_mint(workspace: Workspace, allowed: dict[tuple[str, str], str] = ALLOWED) -> list[str]:
    """Identifiers, JSON field names, tables and columns of the mint that contain a word for a person."""
    faults, used = [], set()
    for module in workspace.modules("mint"):
        lines = module.text.splitlines()
        names = [(node, name) for node, name in identifiers(module.tree) if not re.fullmatch(r"__\w+__", name)]
        names += [(node, text) for node, text in string_constants(module.tree) if _SQL.search(text)]
        for node, name in names:
            guilty = set().union(*(words(each) for each in re.findall(r"[A-Za-z_]+", name))) & PEOPLE
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
    """Tables of a schema that keep an order of arrival, and columns that keep a time or a person."""
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


def tables_elsewhere(workspace: Workspace) -> list[str]:
    """Tables of the mint that are not made by the schema in `store.py`, which is the one that is looked at."""
    faults = []
    for module in workspace.modules("mint"):
        schema = next(
            (
                node
                for node in module.tree.body
                if isinstance(node, ast.Assign)
                and ast.unparse(node.targets[0]) == "SCHEMA"
                and module.path.name == "store.py"
            ),
            None,
        )
        inside = {id(node) for node in ast.walk(schema)} if schema else set()
        faults += [
            f"{module.at(node)}: a table is made outside of store.SCHEMA"
            for node, text in string_constants(module.tree)
            if re.search(r"\b(CREATE (TEMP |TEMPORARY )?TABLE|ALTER TABLE|ADD COLUMN)\b", text)
            and id(node) not in inside
        ]
    return faults


def test_the_mint_has_no_word_for_a_person(workspace: Workspace) -> None:
    faults = people_in_the_mint(workspace)
    assert not faults, listed(faults)


def test_the_mint_keeps_no_order_and_no_time(workspace: Workspace) -> None:
    faults = telling_tables(SCHEMA) + tables_elsewhere(workspace)
    assert not faults, listed(faults)


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


def test_a_table_that_tells_is_seen() -> None:
    schema = SCHEMA + (
        "CREATE TABLE arrival (hash BLOB PRIMARY KEY);"
        "CREATE TABLE visit (hash BLOB PRIMARY KEY, spent_at TEXT, holder_key BLOB) WITHOUT ROWID;"
    )
    assert sorted(telling_tables(schema)) == [
        "column visit.holder_key keeps holder",
        "column visit.spent_at keeps at",
        "table arrival keeps the order of arrival: it is not WITHOUT ROWID",
    ]


def test_a_table_made_elsewhere_is_seen(copy: Workspace) -> None:
    plant(copy, "packages/mint/src/amparo_mint/leak.py", "SCHEMA = 'CREATE TABLE arrival (hash BLOB)'\n")
    plant(copy, "packages/mint/src/amparo_mint/store.py", "\nMORE = 'ALTER TABLE spent ADD COLUMN arrival'\n")
    assert len(tables_elsewhere(copy)) == 2
