"""The keys of the register's records, outside its database (docs/decisions/0027-record-keys-outside-the-database.md).

Each household and person has an AES-256 key of its own. The keys lie in `keyring.sqlite`, 1,024 to a page; a page is sealed
under its page key, and the page keys are wrapped by one master key in a file beside it, `register-key.bin`. To destroy a record's
key its page gets a new page key without it, all page keys are wrapped under a new master key, and the old master key is
overwritten: neither a copy of the database nor an old copy of the keyring opens that record again. With a million records this
rewrites some 100 kB.

Where the master key should lie: on another device than the database and its backups, named by AMPARO_REGISTER_KEY (a file on a
stick that the operator takes out at night, or on a memory file system that they fill at start). Without it the file lies in the
desk's folder, which protects copies of the database and of the keyring, not the whole disk.

LIMIT: overwriting a file reaches the old blocks on a plain disk; flash storage and copying file systems may keep them a while. An
encrypted disk under it, or a memory file system, closes that.
"""

import contextlib
import fcntl
import functools
import hashlib
import hmac
import itertools
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from amparo_common.secret import Secret
from amparo_office.desk import place
from amparo_office.errors import KeyDestroyed, KeysLost, RegisterDestroyed
from amparo_service.keys import sync_folder

KEYRING, MASTER, LOCK, DESTROYED = "keyring.sqlite", "register-key.bin", "keyring.lock", "register-destroyed"
MASTER_PLACE = "AMPARO_REGISTER_KEY"
PAGE = 1024
KEY = 32
_GONE = bytes(KEY)
# Said at each step of a destruction, so that a test can end the process there.
STEPS = ("new-master-written", "rewrapped", "committed", "old-master-overwritten", "new-master-in-place")
PANIC_STEPS = ("marked", "master-overwritten", "master-gone", "keyring-gone")
Fault = Callable[[str], None]

TABLES = """
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, next_id INTEGER NOT NULL,
  master_check BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS page_key (page INTEGER PRIMARY KEY, wrapped BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS page (page INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS named_key (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL);
"""


def _no_fault(_step: str) -> None:
    return None


class Vault:
    """The keyring of one desk. Several processes may have it open: each looks at every call whether another one has changed the
    master key, and forgets what it remembered. Threads take turns."""

    def __init__(self, folder: Path, master: Path | None = None, fault: Fault = _no_fault) -> None:
        self._folder = folder
        self._master_path = master or folder / MASTER
        self._fault = fault
        self._turn = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self._owner = 0
        self._forget()

    # --- reading ----------------------------------------------------------------------------------------------------

    def key(self, number: int) -> Secret:
        """A record's key. Raises `KeyDestroyed`."""
        found = self.keys([number])
        if number not in found:
            raise KeyDestroyed("The key of this record was destroyed.")
        return found[number]

    def keys(self, numbers: Collection[int]) -> dict[int, Secret]:
        """The keys of these records; destroyed ones are left out."""
        with self._turn:
            while True:
                self._look()
                try:
                    return self._read_keys(numbers)
                except KeysLost:
                    # Another process destroyed keys between the two lines: look again. Otherwise it is true.
                    if self._generation == self._current_generation():
                        raise

    def _read_keys(self, numbers: Collection[int]) -> dict[int, Secret]:
        found: dict[int, Secret] = {}
        for number in numbers:
            page, slot = divmod(number, PAGE)
            value = self._page(page)[slot * KEY : slot * KEY + KEY]
            if len(value) < KEY:
                # Another process may have added keys to this page since it was read.
                self._pages.pop(page, None)
                value = self._page(page)[slot * KEY : slot * KEY + KEY]
            if len(value) == KEY and value != _GONE:
                found[number] = Secret(value)
        return found

    @property
    def index_key(self) -> Secret:
        """The key of the blind index."""
        return self.named_key("index")

    def named_key(self, name: str) -> Secret:
        """A key of the register as a whole (`index`, `pseudonym`, `source`), made on first use."""
        with self._turn:
            self._look()
            if name not in self._named:
                self._named[name] = Secret(self._named_key(name))
            return self._named[name]

    # --- writing ----------------------------------------------------------------------------------------------------

    def new_keys(self, count: int) -> list[tuple[int, Secret]]:
        """New keys and their numbers, on the disk when this returns. A number is never given twice."""
        with self._turn, self._alone(), self._forgetting():
            self._look()
            base = self._open()
            with _transaction(base):
                (first,) = base.execute("SELECT next_id FROM state").fetchone()
                fresh = secrets.token_bytes(count * KEY)
                for page in range(first // PAGE, (first + count - 1) // PAGE + 1 if count else 0):
                    self._append(base, page, first, fresh)
                base.execute("UPDATE state SET next_id = ?", (first + count,))
        return [(first + each, Secret(fresh[each * KEY : each * KEY + KEY])) for each in range(count)]

    def destroy(self, numbers: Collection[int]) -> None:
        """Destroy the keys of these records for good; numbers without a key are passed over. When it returns, no copy of the
        keyring made before opens them."""
        if not numbers:
            return
        with self._turn, self._alone(), self._forgetting():
            self._look()
            new = secrets.token_bytes(KEY)
            _write_flushed(self._next_path, new)
            sync_folder(self._next_path.parent)
            self._fault("new-master-written")
            base = self._open()
            with _transaction(base):
                self._without(base, set(numbers))
                self._rewrap(base, new)
                self._fault("rewrapped")
            self._fault("committed")
            self._finish_swap()
            self._forget()
            self._look()

    def destroy_all(self) -> None:
        """Panic: no record of this register is ever opened again. Under a second, whatever its size."""
        with self._turn, self._alone():
            _write_flushed(self._folder / DESTROYED, b"The keys of this register were destroyed on purpose.\n")
            sync_folder(self._folder)
            self._fault("marked")
            self._finish_panic()

    def close(self) -> None:
        """Forget the keys and close the file."""
        with self._turn:
            if self._database is not None and self._owner == os.getpid():
                self._database.close()
            self._database = None
            self._forget()

    # --- looking after the two files --------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._generation = -1
        self._master = b""
        self._page_keys: dict[int, bytes] = {}
        self._pages: dict[int, bytes] = {}
        self._named: dict[str, Secret] = {}

    def _look(self) -> None:
        """Make sure that what is remembered belongs to the keyring as it is now. Raises `RegisterDestroyed`, `KeysLost`."""
        if (self._folder / DESTROYED).exists():
            self.close()
            with self._alone():
                self._finish_panic()
            raise RegisterDestroyed("The keys of this register were destroyed.")
        if self._generation == self._current_generation():
            return
        self._forget()
        with self._alone():
            self._recover()
            base = self._open()
            generation, check = base.execute("SELECT generation, master_check FROM state").fetchone()
            master = _read(self._master_path)
            if not hmac.compare_digest(_check(master), check):
                raise KeysLost("The master key does not belong to this keyring.")
            self._master, self._generation = master, generation

    def _current_generation(self) -> int:
        row = self._open().execute("SELECT generation FROM state").fetchone()
        return -2 if row is None else int(row[0])

    def _recover(self) -> None:
        """Bring the two files together after a crash: the new master key counts once the keyring is wrapped under it."""
        base = self._open()
        row = base.execute("SELECT master_check FROM state").fetchone()
        if row is None:
            self._begin(base)
        elif self._next_path.exists():
            if hmac.compare_digest(_check(_read(self._next_path)), row[0]):
                self._finish_swap()
            else:
                _overwrite(self._next_path)
                self._next_path.unlink()
                sync_folder(self._next_path.parent)

    def _begin(self, base: sqlite3.Connection) -> None:
        if self._master_path.exists():
            raise KeysLost("The keyring of this register is missing; its master key is there.")
        self._master_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = secrets.token_bytes(KEY)
        _write_flushed(self._next_path, new)
        with _transaction(base):
            base.execute(
                "INSERT INTO state (id, generation, next_id, master_check) VALUES (1, 0, 1, ?)", (_check(new),)
            )
        self._finish_swap()

    def _finish_swap(self) -> None:
        if self._master_path.exists():
            _overwrite(self._master_path)
        self._fault("old-master-overwritten")
        self._next_path.replace(self._master_path)
        self._fault("new-master-in-place")
        sync_folder(self._master_path.parent)

    def _finish_panic(self) -> None:
        for path in (self._master_path, self._next_path):
            if path.exists():
                _overwrite(path)
        self._fault("master-overwritten")
        for path in (self._master_path, self._next_path):
            path.unlink(missing_ok=True)
        if self._master_path.parent.exists():
            sync_folder(self._master_path.parent)
        self._fault("master-gone")
        self.close()
        for end in ("", "-wal", "-shm", "-journal"):
            (self._folder / f"{KEYRING}{end}").unlink(missing_ok=True)
        sync_folder(self._folder)
        self._fault("keyring-gone")

    @contextlib.contextmanager
    def _forgetting(self) -> Iterator[None]:
        """What was not written is not remembered either."""
        with contextlib.ExitStack() as unless_written:
            unless_written.callback(self._forget)
            yield
            unless_written.pop_all()

    @property
    def _next_path(self) -> Path:
        return self._master_path.with_name(self._master_path.name + ".next")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process changes the keys meanwhile. A thread that is alone already stays so."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._held:
            yield
            return
        descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._held = True
            yield
        finally:
            self._held = False
            os.close(descriptor)

    _held = False

    def _open(self) -> sqlite3.Connection:
        if self._database is not None and self._owner == os.getpid():
            return self._database
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / KEYRING
        base = sqlite3.connect(path, isolation_level=None, timeout=20, check_same_thread=False)
        path.chmod(0o600)
        base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;" + TABLES)
        self._database, self._owner = base, os.getpid()
        return base

    # --- pages ------------------------------------------------------------------------------------------------------

    def _page(self, page: int) -> bytes:
        if page not in self._pages:
            row = self._open().execute("SELECT sealed FROM page WHERE page = ?", (page,)).fetchone()
            self._pages[page] = b"" if row is None else _unseal(self._page_key(page), row[0], f"page {page}")
        return self._pages[page]

    def _page_key(self, page: int) -> bytes:
        if page not in self._page_keys:
            row = self._open().execute("SELECT wrapped FROM page_key WHERE page = ?", (page,)).fetchone()
            if row is None:
                raise KeysLost("A page of the keyring has lost its key.")
            self._page_keys[page] = _unseal(self._master, row[0], f"page key {page}")
        return self._page_keys[page]

    def _append(self, base: sqlite3.Connection, page: int, first: int, fresh: bytes) -> None:
        """Put those of the new keys (`first` is the first one's number) into `page` that belong there."""
        row = base.execute("SELECT sealed FROM page WHERE page = ?", (page,)).fetchone()
        if row is None:
            self._page_keys[page] = secrets.token_bytes(KEY)
            _put(base, "page_key", page, _seal(self._master, self._page_keys[page], f"page key {page}"))
            content = b""
        else:
            content = _unseal(self._page_key(page), row[0], f"page {page}")
        start = max(first, page * PAGE)
        part = fresh[(start - first) * KEY : (page * PAGE + PAGE - first) * KEY]
        # The very first number is 1: nothing has the number 0, which says "no key".
        content = content.ljust((start - page * PAGE) * KEY, b"\0") + part
        _put(base, "page", page, _seal(self._page_keys[page], content, f"page {page}"))
        self._pages[page] = content

    def _without(self, base: sqlite3.Connection, numbers: set[int]) -> None:
        """Give each page that held one of these keys a new page key, and leave them out."""
        for page, group in itertools.groupby(sorted(numbers), lambda number: number // PAGE):
            row = base.execute("SELECT sealed FROM page WHERE page = ?", (page,)).fetchone()
            if row is None:
                continue
            content = bytearray(_unseal(self._page_key(page), row[0], f"page {page}"))
            for start in ((number % PAGE) * KEY for number in group):
                if start < len(content):
                    content[start : start + KEY] = _GONE
            self._page_keys[page] = secrets.token_bytes(KEY)
            _put(base, "page", page, _seal(self._page_keys[page], bytes(content), f"page {page}"))
            _put(base, "page_key", page, _seal(self._master, self._page_keys[page], f"page key {page}"))

    def _rewrap(self, base: sqlite3.Connection, new: bytes) -> None:
        for page, wrapped in base.execute("SELECT page, wrapped FROM page_key").fetchall():
            key = _unseal(self._master, wrapped, f"page key {page}")
            _put(base, "page_key", page, _seal(new, key, f"page key {page}"))
        for name, wrapped in base.execute("SELECT name, wrapped FROM named_key").fetchall():
            key = _unseal(self._master, wrapped, f"named key {name}")
            base.execute(
                "UPDATE named_key SET wrapped = ? WHERE name = ?", (_seal(new, key, f"named key {name}"), name)
            )
        base.execute("UPDATE state SET generation = generation + 1, master_check = ?", (_check(new),))

    def _named_key(self, name: str) -> bytes:
        with self._alone():
            self._look()
            base = self._open()
            with _transaction(base):
                row = base.execute("SELECT wrapped FROM named_key WHERE name = ?", (name,)).fetchone()
                if row is not None:
                    return _unseal(self._master, row[0], f"named key {name}")
                key = secrets.token_bytes(KEY)
                sealed = _seal(self._master, key, f"named key {name}")
                base.execute("INSERT INTO named_key (name, wrapped) VALUES (?, ?)", (name, sealed))
                return key


def vault() -> Vault:
    """The vault of this desk's folder."""
    master = os.environ.get(MASTER_PLACE, "")
    return _vault(place.folder().resolve(), Path(master).resolve() if master else None)


@functools.cache
def _vault(folder: Path, master: Path | None) -> Vault:
    return Vault(folder, master)


@contextlib.contextmanager
def _transaction(base: sqlite3.Connection) -> Iterator[None]:
    base.execute("BEGIN IMMEDIATE")
    with contextlib.ExitStack() as unless_done:
        unless_done.callback(base.execute, "ROLLBACK")
        yield
        unless_done.pop_all()
    base.execute("COMMIT")


def _put(base: sqlite3.Connection, table: str, page: int, value: bytes) -> None:
    match table:
        case "page":
            base.execute("INSERT OR REPLACE INTO page (page, sealed) VALUES (?, ?)", (page, value))
        case _:
            base.execute("INSERT OR REPLACE INTO page_key (page, wrapped) VALUES (?, ?)", (page, value))


def _seal(key: bytes, content: bytes, bound: str) -> bytes:
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, content, bound.encode())


def _unseal(key: bytes, sealed: bytes, bound: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], bound.encode())
    except InvalidTag as error:
        raise KeysLost("A page of the keyring does not open under the master key.") from error


def _check(master: bytes) -> bytes:
    """Tells whether a keyring is wrapped under this master key, without saying anything about it."""
    return hmac.digest(master, b"amparo register master key", hashlib.sha256)[:16]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise KeysLost("The master key of the register is missing.") from error


def _write_flushed(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _overwrite(path: Path) -> None:
    """Overwrite a key file where it lies, and flush it."""
    with path.open("r+b") as file:
        file.write(secrets.token_bytes(max(KEY, path.stat().st_size)))
        file.flush()
        os.fsync(file.fileno())
