"""Writes docs/formats/data-dictionary.md from the desk's data dictionary: `python tools/data_dictionary.py`."""

from pathlib import Path

import msgspec
import yaml

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "packages/office/src/amparo_office/register/dictionary.yaml"
PAGE = ROOT / "docs/formats/data-dictionary.md"
HEAD = """# Data dictionary of the office's desk

Every table and column that the desk keeps, for what, on which legal ground, and until when. Written from
`packages/office/src/amparo_office/register/dictionary.yaml` by `python tools/data_dictionary.py`; a table or column that is not
here fails `packages/office/tests/register/test_limits.py` (requirement R1).

Grounds: *aid*, a task in the public interest or the vital interest of people in need; *account*, proof that the rules were
followed; *work*, the contract with members of staff; *none*, no personal data. An operator's own assessment may name others, in
the law of the place.
"""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the source."""

    what: str
    purpose: str
    basis: str
    retention: str
    columns: dict[str, str]


def read() -> dict[str, Table]:
    """The published dictionary, table → its entry."""
    return msgspec.convert(yaml.safe_load(SOURCE.read_text("utf-8")), dict[str, Table])


def written() -> str:
    """The page."""
    return HEAD + "".join(_section(name, table) for name, table in read().items())


def _section(name: str, table: Table) -> str:
    rows = "".join(f"| `{column}` | {what} |\n" for column, what in table.columns.items())
    return (
        f"\n## {name}\n\n{table.what} For: {table.purpose}. Ground: {table.basis}. Kept: {table.retention}.\n\n"
        f"| column | what it holds |\n|---|---|\n{rows}"
    )


if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
