"""An app at its address: its files and nothing else, a strict policy, nothing that marks a phone; and the check against the log."""

import hashlib

import msgspec
import pytest
from starlette.testclient import TestClient

from amparo_apps.check import FileList, check
from amparo_apps.config import Addresses, AppConfig, AppName, UnitWords
from amparo_apps.errors import FilesDiffer
from amparo_apps.files import built, whole_hash
from amparo_apps.http import routes
from amparo_common.bridge import AppPublished
from amparo_log.view import Logged, LogView
from amparo_service.client import Client
from amparo_service.http import make_app

ADDRESSES = Addresses(
    log="https://log.example",
    vkey="key",
    mint="https://mint.example/path",
    office="https://office.example",
    units={"usd": UnitWords("USD", {"en": "Food"})},
    practice=True,
)
pytestmark = pytest.mark.usefixtures("apps")


def served(app: AppName = "wallet") -> TestClient:
    return TestClient(make_app(routes(AppConfig(app, ADDRESSES), built(app), offset=lambda: -7)))


def test_every_file_is_sent_as_it_was_built() -> None:
    phone = served()
    for each in built("wallet").files:
        answer = phone.get(each.path)
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest() == each.sha256


def test_a_phone_that_takes_packed_files_gets_them_packed() -> None:
    script = next(each for each in built("wallet").files if each.path.endswith(".js") and each.bytes > 5_000)
    packed = served().get(script.path, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == script.gz < script.bytes
    assert hashlib.sha256(packed.content).hexdigest() == script.sha256
    assert "content-encoding" not in served().get(script.path, headers={"accept-encoding": "identity"}).headers


def test_the_app_may_talk_to_the_named_services_and_nobody_else() -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in served().get("/").headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["connect-src"] == "'self' https://log.example https://mint.example https://office.example"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"


@pytest.mark.parametrize("path", ["/", "/worker.js", "/config.json", "/files.json", "/alive"])
def test_nothing_marks_a_phone(path: str) -> None:
    answer = served().get(path)
    assert answer.status_code in (200, 204)
    assert not {"set-cookie", "etag", "last-modified", "date", "server"} & set(answer.headers)
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_app_is_told_where_the_services_are_and_which_moment_it_is() -> None:
    told = msgspec.json.decode(served().get("/config.json").content, type=Addresses)
    assert told == msgspec.structs.replace(ADDRESSES, clock_offset=-7)


def test_there_is_nothing_else_at_the_address() -> None:
    assert served().get("/files").status_code == 404
    assert served().post("/config.json").status_code == 405


# --- compared with the log -----------------------------------------------------------------------------------------------


class Address(Client):
    """An address that sends these files."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def get(self, path: str, into: type) -> FileList:  # type: ignore[override] # one answer is asked for here
        """The list that fits the files."""
        assert (path, into) == ("/files.json", FileList)
        return FileList("0" * 16, {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()})

    def get_bytes(self, path: str) -> bytes:
        """A file."""
        return self.files[path]


def view(*releases: dict[str, bytes]) -> LogView:
    found = LogView()
    for index, files in enumerate(releases):
        whole = whole_hash({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
        found.apps.append((Logged(index, "2026-11-01T00:00:00Z"), AppPublished("wallet", f"{index:016x}", whole)))
    return found


OLD, NEW = {"/": b"old", "/app.js": b"1"}, {"/": b"new", "/app.js": b"2"}


def test_an_address_that_sends_what_the_log_names_is_confirmed() -> None:
    found = check(Address(NEW), view(OLD, NEW))
    assert (found.app, found.index, found.files, found.bytes) == ("wallet", 1, 2, 4)


@pytest.mark.parametrize("files", [NEW | {"/app.js": b"3"}, NEW | {"/extra.js": b""}, {"/": b"new"}, OLD])
def test_an_address_that_sends_anything_else_is_found(files: dict[str, bytes]) -> None:
    with pytest.raises(FilesDiffer):
        check(Address(files), view(OLD, NEW))
