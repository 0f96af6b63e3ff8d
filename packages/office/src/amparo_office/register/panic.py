"""Erasing the whole register from the console, or rehearsing it on a copy (requirement R41).

    python -m amparo_office.register.panic --data FOLDER --rehearse
    python -m amparo_office.register.panic --data FOLDER --for-good
    python -m amparo_office.register.panic --data FOLDER --after-restore

For good asks to type how many people are in the register. The keys go first, in under a second; from then on no name, number or
address of any copy can be read. Then the tables are emptied. The rehearsal works on a copy in a temporary folder (SQLite), or in a
transaction that is taken back (PostgreSQL), and prints what would go and how long it took. After a backup of the database was put
back, the last way erases once more who was erased since.
"""

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import django
from django.db import connection, transaction

from amparo_common.errors import AmparoError
from amparo_office.desk import place
from amparo_office.register.vault import KEYRING, Vault
from amparo_service.serve import exit_with_words

Say = Callable[[str], object]
Ask = Callable[[str], str]


def rehearse(say: Say) -> float:
    """What a panic would do and how many seconds it takes; nothing of the desk is changed."""
    counts = _counts()
    for table, rows in counts.items():
        say(f"{table}: {rows} rows")
    with tempfile.TemporaryDirectory(prefix="amparo-rehearsal-") as name:
        copy = Path(name)
        keys = _copied_keys(copy)
        begun = time.perf_counter()
        keys.destroy_all()
        destroyed = time.perf_counter() - begun
        wiped = _rehearsed_wipe(copy)
    say(f"keys of the copy destroyed in {destroyed:.3f} s; after this nothing can be read")
    say(f"tables of the copy emptied in {wiped:.1f} s")
    say("This was a rehearsal: nothing of the register was changed.")
    return destroyed + wiped


def erase_for_good(say: Say, ask: Ask) -> bool:
    """Erase the register after the number of people was typed; whether it was done."""
    from amparo_office.register import erasure  # needs Django set up
    from amparo_office.register.models import Individual

    people = Individual.objects.count()
    say(f"This erases {people} people for good. No backup brings their names back.")
    if ask("Type the number of people to go on: ").strip() != str(people):
        say("Nothing was changed.")
        return False
    begun = time.perf_counter()
    erasure.panic(by=None, at=datetime.now(UTC))
    say(f"The register is erased: {time.perf_counter() - begun:.1f} s.")
    return True


def erase_again(say: Say) -> int:
    """After a backup was put back: erase once more whose keys were destroyed since. How many records there were."""
    from amparo_office.register import erasure  # needs Django set up

    gone = erasure.erase_again(datetime.now(UTC))
    say(f"{gone} records were erased once more.")
    return gone


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m amparo_office.register.panic", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the desk's folder")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--rehearse", action="store_true", help="on a copy; say how long it takes")
    which.add_argument("--for-good", action="store_true", help="erase the register")
    which.add_argument("--after-restore", action="store_true", help="erase again who was erased after the backup")
    arguments = parser.parse_args()
    os.environ[place.FOLDER] = str(arguments.data)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amparo_office.desk.settings")
    try:
        django.setup()
        if arguments.rehearse:
            rehearse(_print)
        elif arguments.after_restore:
            erase_again(_print)
        elif not erase_for_good(_print, input):
            sys.exit(1)
    except AmparoError as error:
        exit_with_words(error)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _counts() -> dict[str, int]:
    from amparo_office.register import erasure  # needs Django set up

    found = {}
    with connection.cursor() as cursor:
        for table in erasure.personal_tables():
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            found[table] = int(cursor.fetchone()[0])
    return found


def _copied_keys(copy: Path) -> Vault:
    """A vault of the same size: the keyring's copy under a master key that is nobody's."""
    folder = place.folder()
    if (folder / KEYRING).exists():
        with sqlite3.connect(folder / KEYRING) as base, sqlite3.connect(copy / KEYRING) as other:
            base.backup(other)
    (copy / "register-key.bin").write_bytes(bytes(32))
    return Vault(copy)


def _rehearsed_wipe(copy: Path) -> float:
    from amparo_office.register import erasure  # needs Django set up

    if connection.vendor == "postgresql":
        begun = time.perf_counter()
        with transaction.atomic():
            erasure.wipe()
            transaction.set_rollback(True)
        return time.perf_counter() - begun
    path = copy / "register.sqlite"
    with sqlite3.connect(connection.settings_dict["NAME"]) as base, sqlite3.connect(path) as other:
        base.backup(other)
    begun = time.perf_counter()
    with sqlite3.connect(path, isolation_level=None) as other:
        erasure.wipe_sqlite(other.execute, erasure.personal_tables())
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
