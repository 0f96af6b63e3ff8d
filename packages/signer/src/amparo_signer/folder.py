"""The signer's keysets on disk. Two files each: `NAME.seed` is sealed, `NAME.json` says that it must be there.

Made: the seed first, then its record; a crash between leaves a whole keyset whose record the next start adds. Retired: the
record says so first, then the seed is destroyed; a crash between is finished by the next start. A seed that a record calls
for is never made anew. Every change is made by one process, under the folder's lock.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from amparo_signer.errors import KeysetNotHere, KeysetRetired, SealKeyWrong, SeedDamaged, SeedMissing, VersionUnknown
from amparo_signer.files import destroy, replace, sweep_drafts, write_new
from amparo_signer.keyset import Denominations, KeysetName, OpenKeyset, SeedFile, check_name, in_file_name
from amparo_signer.schemes import Scheme
from amparo_signer.seal import Seal
from amparo_signer.wire import UNREADABLE

SEED_BYTES = 32
# The version of a new keyset.
CURRENT = "01"
_SEED, _RECORD = ".seed", ".json"
_FORMAT = b"amparo-seed 1 "


class Record(msgspec.Struct, frozen=True):
    """The public file beside a seed."""

    id: str
    name: KeysetName
    retired: bool = False


class KeyFolder:
    """The keysets of one folder under one sealing key."""

    def __init__(
        self, path: Path, seal: Seal, schemes: Mapping[str, Scheme], denominations: Denominations | None = None
    ) -> None:
        self._path = path
        self._seal = seal
        self._schemes = schemes
        self._denominations = denominations or Denominations()

    def open_all(self) -> list[OpenKeyset]:
        """Every keyset that is not retired; finishes what a crash interrupted. Raises `SeedMissing`, `SeedDamaged`,
        `SealKeyWrong`, `VersionUnknown`, `CannotKeep`."""
        sweep_drafts(self._path)
        records = {path.stem: _read_record(path) for path in self._path.glob(f"*{_RECORD}")}
        for stem, record in records.items():
            if record.retired:
                destroy(self._file(stem, _SEED))
            elif not self._file(stem, _SEED).exists():
                raise SeedMissing(f"The seed {stem}{_SEED} is not in the signer's folder.")
        opened = {path.stem: self._open(path) for path in sorted(self._path.glob(f"*{_SEED}"))}
        for stem, keyset in opened.items():
            if stem not in records:
                write_new(self._file(stem, _RECORD), _show_record(keyset))
            elif records[stem].id != keyset.id:
                raise SeedDamaged(f"The seed {stem}{_SEED} is not the one of its record.")
        return list(opened.values())

    def make(self, name: KeysetName) -> OpenKeyset:
        """A new keyset, kept before it is given. When the disk took only a part of it, making it again goes on from there. Raises
        `KeysetRetired`, `KeysetRefused`, `CannotKeep`; `SeedMissing`, `SeedDamaged` when its files were changed meanwhile."""
        check_name(name)
        stem = _stem(name)
        seed, path = self._file(stem, _SEED), self._file(stem, _RECORD)
        record = _read_record(path) if path.exists() else None
        if record is not None and record.retired:
            raise KeysetRetired("This keyset was retired.")
        if record is not None and not seed.exists():
            raise SeedMissing(f"The seed {seed.name} is not in the signer's folder.")
        keyset = self._open(seed) if seed.exists() else self._make_seed(seed, name)
        if record is None:
            write_new(path, _show_record(keyset))
        elif record.id == keyset.id:
            replace(path, _show_record(keyset))  # perhaps it was not flushed
        else:
            raise SeedDamaged(f"The seed {seed.name} is not the one of its record.")
        return keyset

    def _make_seed(self, path: Path, name: KeysetName) -> OpenKeyset:
        seed, scheme = secrets.token_bytes(SEED_BYTES), self._schemes[CURRENT]
        denominations = self._denominations.of(name.unit)
        keyset = OpenKeyset(scheme, seed, name, denominations)
        content = SeedFile(scheme.version, keyset.id, name, denominations, seed)
        write_new(path, seal_up(self._seal, path.name, msgspec.msgpack.encode(content)))
        return keyset

    def retire(self, keyset: OpenKeyset) -> None:
        """Destroy the seed for good. Raises `CannotKeep`, and may then be repeated."""
        stem = _stem(keyset.name)
        record = Record(id=keyset.id, name=keyset.name, retired=True)
        replace(self._file(stem, _RECORD), msgspec.json.encode(record))
        destroy(self._file(stem, _SEED))

    def check_retired(self, keyset_id: str) -> None:
        """Raises `KeysetNotHere` unless a keyset of this id was here and is retired."""
        records = (_read_record(path) for path in self._path.glob(f"*{_RECORD}"))
        if not any(record.retired and record.id == keyset_id for record in records):
            raise KeysetNotHere("The signer has no such keyset.")

    def reseal(self, new: Seal) -> int:
        """Seal every seed anew; gives their number. Seeds that are under the new key already are left, so that an
        interrupted reseal is finished by running it again. Raises what `open_all` raises."""
        sweep_drafts(self._path)
        paths = sorted(self._path.glob(f"*{_SEED}"))
        for path in paths:
            if mark_of(path) != new.mark:
                replace(path, seal_up(new, path.name, open_up(self._seal, path)))
        self._seal = new
        self.open_all()
        return len(paths)

    def _open(self, path: Path) -> OpenKeyset:
        try:
            found = msgspec.msgpack.decode(open_up(self._seal, path), type=SeedFile)
        except UNREADABLE as error:
            raise SeedDamaged(f"The seed {path.name} has an unknown content.") from error
        scheme = self._schemes.get(found.version)
        if scheme is None:
            raise VersionUnknown(f"The seed {path.name} belongs to an unknown version of keysets.")
        keyset = OpenKeyset(scheme, found.seed, found.name, found.denominations)
        if keyset.id != found.id or _stem(found.name) != path.stem:
            raise SeedDamaged(f"The seed {path.name} does not give the keyset that it was made for.")
        return keyset

    def _file(self, stem: str, ending: str) -> Path:
        return self._path / f"{stem}{ending}"


def seeds_in(folder: Path) -> bool:
    """Whether the folder has, or had, keysets: then a sealing key must be there."""
    return any(path.suffix in (_SEED, _RECORD) for path in folder.glob("keyset+*"))


def seal_up(seal: Seal, file_name: str, content: bytes) -> bytes:
    """A seed file: a line with format and mark, then the sealed bytes, bound to that line and to the file's name."""
    header = _FORMAT + seal.mark.encode() + b"\n"
    return header + seal.close_up(content, header + file_name.encode())


def open_up(seal: Seal, path: Path) -> bytes:
    """The content of a seed file. Raises `SealKeyWrong`, `SeedDamaged`."""
    if mark_of(path) != seal.mark:
        raise SealKeyWrong(f"The seed {path.name} is sealed with another key.")
    header, newline, sealed = path.read_bytes().partition(b"\n")
    try:
        return seal.open(sealed, header + newline + path.name.encode())
    except SeedDamaged as error:
        raise SeedDamaged(f"The seed {path.name} cannot be opened.") from error


def mark_of(path: Path) -> str:
    """The mark of the sealing key that a seed file names. Raises `SeedDamaged`."""
    header, newline, _ = path.read_bytes().partition(b"\n")
    if not newline or not header.startswith(_FORMAT):
        raise SeedDamaged(f"The seed {path.name} is not a seed file of this release.")
    return header.removeprefix(_FORMAT).decode("latin-1")


def _show_record(keyset: OpenKeyset) -> bytes:
    return msgspec.json.encode(Record(id=keyset.id, name=keyset.name))


def _read_record(path: Path) -> Record:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except UNREADABLE as error:
        raise SeedDamaged(f"The record {path.name} cannot be read.") from error


def _stem(name: KeysetName) -> str:
    # No two keysets share a name, or a key would sign for both: a plus sign inside a part is quoted.
    end = "none" if name.final_expiry is None else str(name.final_expiry)
    return "+".join(("keyset", in_file_name(name.unit), in_file_name(name.period), end))
