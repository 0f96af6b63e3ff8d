"""What the demo registers: the invented town, or somebody's own files with a mapping.

A file without names (a survey) gets invented ones, so that cards can be printed; the demo says so. The files are then
written as CSV beside the demo, with the columns that the mapping names and nothing else.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from amparo.errors import FileMissing
from amparo.mappings import SHIPPED, shipped
from amparo.town import Namer, generator, make_town
from amparo_office.tables import Table, read_table


class Source(msgspec.Struct, frozen=True):
    """A pair of files as the office takes them. `invented_names` says that the names are not in the original."""

    mapping: str
    household_file: str
    households: bytes
    individual_file: str
    individuals: bytes
    invented_names: bool = False


def invented(seed: int, households: int) -> Source:
    """The invented town."""
    files = make_town(seed, households)
    return Source(shipped("town"), "households.csv", files.households, "individuals.csv", files.individuals)


def read_file(path: Path) -> bytes:
    """A file's bytes. Raises `FileMissing`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileMissing(f"{path} cannot be read.", why=f"{error.strerror}.") from error


def read_mapping_file(named: str) -> str:
    """A mapping by its path or by the name of one that comes with Amparo. Raises `FileMissing`."""
    return shipped(named) if named in SHIPPED else read_file(Path(named)).decode("utf-8", errors="replace")


def from_files(households: Path, individuals: Path, mapping: str) -> Source:
    """Somebody's own files. Raises `FileMissing`."""
    return Source(
        mapping=read_mapping_file(mapping),
        household_file=households.name,
        households=read_file(households),
        individual_file=individuals.name,
        individuals=read_file(individuals),
    )


def with_names(source: Source, seed: int) -> Source:
    """The source with invented names, when its mapping names no column for them. Raises what `read_table` raises."""
    plain = yaml.load(source.mapping, Loader=yaml.BaseLoader)  # noqa: S506 - texts and lists only
    if not isinstance(plain, dict) or not isinstance(plain.get("individual"), dict):
        return source  # the office says what is wrong with it
    person = plain["individual"]
    if "given_name" in person or "family_name" in person or "household" not in person:
        return source
    table = read_table(source.individual_file, source.individuals, sheet=plain.get("individual_sheet"))
    columns = sorted({person["household"], *_columns_of(person.get("facts", {}))})
    table.require(set(columns))
    added = ["nombre", "apellidos", "nombre_arabe", "idioma"]
    written = _write(columns + added, _named_rows(table, columns, household=person["household"], seed=seed))
    fields = ("given_name", "family_name", "other_name", "language")
    plain = plain | {"individual": person | dict(zip(fields, added, strict=True))}
    plain.pop("individual_sheet", None)
    return msgspec.structs.replace(
        source,
        mapping=yaml.safe_dump(plain, allow_unicode=True, sort_keys=False),
        individual_file="individuals.csv",
        individuals=written,
        invented_names=True,
    )


def _columns_of(facts: dict[str, object]) -> Iterator[str]:
    for written in facts.values():
        yield str(written["column"]) if isinstance(written, dict) else str(written)


def _named_rows(table: Table, columns: list[str], *, household: str, seed: int) -> Iterator[list[str]]:
    namers: dict[str, Namer] = {}
    for _, row in table.rows(set(columns)):
        ref = row[household]
        if ref not in namers:
            namers[ref] = Namer(generator(seed, "names", ref))
        name = namers[ref].name()
        yield [*(row[column] for column in columns), name.given, name.family, name.other, name.language]


def _write(header: list[str], rows: Iterator[list[str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue().encode()
