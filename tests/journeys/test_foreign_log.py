"""The log process judged by code that is not ours: Go's golang.org/x/mod checks notes, tiles and proofs over HTTP."""

import functools
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from amparo_common import canonical
from amparo_common.bridge import RulePublished, sign_for_log
from amparo_common.signing import SigningKey
from amparo_log.note import NoteVerifier, open_checkpoint
from amparo_log.tiles import unpack_entries
from amparo_service.client import Client

JUDGE_SOURCE = Path(__file__).parent / "foreign_log" / "main.go"
GO_CODE = Path("/usr/share/gocode")
ENTRIES, EARLIER = 300, 123
PUBLISHER = SigningKey.generate()
# Everything that a log of 300 entries serves.
FILES = ("checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44")


class RunningLog:
    """A log process on a port of its own, with one publisher of rules."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        publishers = [{"jwk": PUBLISHER.public.jwk, "kinds": ["rule-published"]}]
        (folder / "config.json").write_bytes(msgspec.json.encode({"publishers": publishers}))
        (folder / "origin").write_text("town.example/log\n")
        command = [sys.executable, "-W", "error", "-m", "amparo_log", "--data", str(folder)]
        keys = subprocess.run([*command, "--keys"], check=True, capture_output=True, text=True, timeout=30)
        self.vkey: str = msgspec.json.decode(keys.stdout)["vkey"]
        self._errors = (folder / "stderr").open("wb")
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self._errors)
        deadline = time.monotonic() + 20
        while self._process.poll() is None and not (folder / "address").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        address = folder / "address"
        self.client = Client(address.read_text() if address.exists() else "http://127.0.0.1:9")
        if not address.exists():
            self.stop()
            pytest.fail("the log did not start: " + (folder / "stderr").read_text())

    def publish(self, number: int) -> int:
        """Publish one rule; entries differ in length."""
        body = RulePublished(
            programme="food", version=str(number), rule_hash="0" * 64, notice_days=7, file="x" * (number % 90)
        )
        message = canonical.encode(sign_for_log(body, PUBLISHER))
        return self.client.post_bytes("/append", message, dict[str, int])["index"]

    def stop(self) -> int:
        """Ask the process to end, and wait for it; its exit code."""
        self.client.close()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=20)
        self._errors.close()
        return code


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The judge's program, built from source."""
    if shutil.which("go") is None:
        pytest.skip("the judge is a Go program, and there is no go on this machine")
    if not (GO_CODE / "src/golang.org/x/mod").is_dir():
        pytest.skip("the judge needs golang.org/x/mod under /usr/share/gocode (Debian: golang-golang-x-mod-dev)")
    program = tmp_path_factory.mktemp("judge") / "judge"
    settings = {"GO111MODULE": "off", "GOPATH": str(GO_CODE), "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    built = subprocess.run(
        ["go", "build", "-o", str(program), JUDGE_SOURCE.name],
        cwd=JUDGE_SOURCE.parent,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr
    return program


class Published:
    """A log of 300 entries as its process served it: files, the root at 123 entries, one entry's exact bytes."""

    def __init__(self, folder: Path, log: RunningLog) -> None:
        self.log, self.folder, self.vkey = log, folder / "copy", log.vkey
        for number in range(ENTRIES):
            if number == EARLIER:
                note = log.client.get_bytes("/checkpoint").decode()
                earlier = open_checkpoint(note, NoteVerifier(log.vkey))
                assert earlier.size == EARLIER
                self.root = earlier.text().split("\n")[2]
            assert log.publish(number) == number
        for name in FILES:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(log.client.get_bytes("/" + name))
        self.entry = folder / "entry"
        self.entry.write_bytes(unpack_entries((self.folder / "tile/entries/001.p/44").read_bytes())[299 - 256])


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, judge: Path) -> Iterator[Published]:
    folder = tmp_path_factory.mktemp("foreign")
    log = RunningLog(folder / "log")
    try:
        yield Published(folder, log)
    finally:
        code = log.stop()
    # After a graceful stop uvicorn ends itself with the signal it was sent.
    assert code in {0, -signal.SIGTERM}
    assert (folder / "log" / "stderr").read_bytes() == b""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing about it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """No access log."""


class FolderServer:
    """An HTTP server for one folder, on a port of its own, while the `with` lasts."""

    def __init__(self, folder: Path) -> None:
        handler = functools.partial(QuietHandler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "FolderServer":
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def ask(judge: Path, published: Published, url: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """The judge's verdict on the log at `url`: inclusion of the last entry, consistency with the earlier tree."""
    command = [str(judge), "-url", url, "-vkey", published.vkey, "-index", "299", "-entry", str(published.entry)]
    command += ["-old-size", str(EARLIER), "-old-root", published.root, *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_foreign_reader_finds_the_running_log_whole_and_continued(judge: Path, published: Published) -> None:
    verdict = ask(judge, published, published.log.client.base, "-all", "-strict")
    assert verdict.returncode == 0, verdict.stderr
    for line in (
        "OK checkpoint origin=town.example/log size=300 ",
        "OK inclusion of 299 in 300 ",
        "OK consistency 123 -> 300 ",
        "OK all 300 entries and 3 tiles agree with the root",
    ):
        assert line in verdict.stdout


def test_a_copy_of_the_files_is_as_good_as_the_log(judge: Path, published: Published) -> None:
    with FolderServer(published.folder) as server:
        verdict = ask(judge, published, server.url, "-all")
    assert verdict.returncode == 0, verdict.stderr


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_in_any_file_is_found(judge: Path, published: Published, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(published.folder, copy)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with FolderServer(copy) as server:
        verdict = ask(judge, published, server.url, "-all")
    assert verdict.returncode == 1
    assert verdict.stderr.startswith("FAIL ")


def test_another_entry_at_the_place_another_history_and_another_key_are_found(
    judge: Path, published: Published, tmp_path: Path
) -> None:
    false_entry = tmp_path / "false"
    false_entry.write_bytes(published.entry.read_bytes().replace(b'"food"', b'"fuel"'))
    stranger = "town.example/log+00000000+" + published.vkey.split("+", 2)[2]
    wrong_root = published.root.swapcase()
    for option, value in (("-entry", str(false_entry)), ("-old-root", wrong_root), ("-vkey", stranger)):
        with FolderServer(published.folder) as server:
            assert ask(judge, published, server.url).returncode == 0
            verdict = ask(judge, published, server.url, option, value)
        assert verdict.returncode == 1, option
        assert verdict.stderr.startswith("FAIL ")
