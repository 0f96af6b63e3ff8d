"""The operator's page of the mint names every table of both databases, and no other."""

import re
import sqlite3
from pathlib import Path

from amparo_mint.postgres_schema import MIGRATIONS as POSTGRES
from amparo_mint.sqlite_store import SqliteStore, token_tables

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "mint.md"
NAME = re.compile(r"`([a-zA-Z_]+)`")


def named() -> set[str]:
    """The tables of the page: those in the first column, and those of PostgreSQL named below it."""
    page = PAGE.read_text()
    rows = re.findall(r"^\| (.+?) \|", page[page.index("| table | holds") :].split("\n\n")[0], re.MULTILINE)
    below = page[page.index("In PostgreSQL also") :].split("\n\n")[0]
    return {name for text in (*rows, below) for name in NAME.findall(text)}


def test_every_table_of_the_mints_sqlite_file_is_on_the_page(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "mint.sqlite")
    with sqlite3.connect(tmp_path / "mint.sqlite") as connection:
        for statement in token_tables(1):
            connection.execute(statement)
        found = {
            name.replace("_1", "_N")
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    assert found - {"sqlite_sequence"} <= named()


def test_every_table_of_the_mints_postgresql_database_is_on_the_page_and_no_other() -> None:
    scripts = "\n".join(map(str, POSTGRES))
    made = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+) \(", scripts)) - {"message"}  # version 2 drops it
    tokens = {f"{state}{kind}_N" for kind in ("spent", "issued") for state in ("", "fresh_", "aside_")}
    assert made | tokens | {"schema_version"} == named()
