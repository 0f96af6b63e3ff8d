"""The process: who may connect, what garbage does, how it starts, stops, is killed and comes back."""

import asyncio
import contextlib
import json
import os
import random
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from packages.signer.tests.conftest import Process, issue, output, run

from amparo_signer.client import SignerClient
from amparo_signer.errors import (
    AlreadyRunning,
    CallerRefused,
    SignerBusy,
    SignerFailed,
    SignerUnreachable,
    SocketPathTaken,
    SocketPathTooLong,
)
from amparo_signer.files import FolderLock
from amparo_signer.folder import KeyFolder
from amparo_signer.plain import PlainEngine
from amparo_signer.protocol import Exchanged, ExchangeJob, PublicKeyset
from amparo_signer.schemes import schemes
from amparo_signer.seal import default_seal
from amparo_signer.server import MAX_CONNECTIONS, Server, listen
from amparo_signer.service import SignerService, open_service
from amparo_signer.wire import AskKeysets, frame

Start = Callable[..., Process]


async def ready(client: SignerClient) -> None:
    """Wait until the signer answers: a client is patient."""
    await client.keysets()


@pytest.fixture
def client(start: Start) -> Iterator[SignerClient]:
    """A client of a running signer."""
    found = SignerClient(start().socket)
    run(ready(found))
    yield found
    found.close()


def raw(path: Path) -> socket.socket:
    """A bare connection."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(20)
    connection.connect(str(path))
    return connection


# --- starting ---------------------------------------------------------------------------------------------------------


def test_a_restarted_signer_has_the_same_keysets_and_signs_the_same(start: Start, tmp_path: Path) -> None:
    async def story() -> None:
        first = start()
        client = SignerClient(first.socket)
        keyset = await client.make_keyset("KES", "2026-11", None)
        token = await issue(client, keyset, 2, "kept")
        job = ExchangeJob([token.spend()], [output(2)])
        before = await client.exchange([keyset.id], [job])
        assert first.stop() == (0, "")
        assert not first.socket.exists()
        second = start()
        assert await client.keysets() == [keyset]
        assert await client.exchange([keyset.id], [job]) == before
        second.kill()
        assert second.socket.exists()
        third = start()
        assert await client.exchange([keyset.id], [job]) == before
        assert third.stop() == (0, "")
        client.close()

    run(story())


def test_the_socket_is_for_its_user_only(client: SignerClient, tmp_path: Path) -> None:
    path = tmp_path / "signer.sock"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_second_signer_on_the_folder_is_refused_in_words(client: SignerClient, start: Start) -> None:
    status, said = start().end()
    assert status == 3
    assert "[signer.already_running]" in said
    assert "Traceback" not in said
    assert run(client.keysets()) == []


def test_a_second_signer_on_the_socket_is_refused_in_words(client: SignerClient, start: Start, tmp_path: Path) -> None:
    status, said = start(tmp_path / "other", "--socket", tmp_path / "signer.sock").end()
    assert (status, "[signer.already_running]" in said) == (3, True)
    assert run(client.keysets()) == []


def test_a_socket_path_that_is_too_long_is_refused_in_words(start: Start, tmp_path: Path) -> None:
    long = tmp_path / ("d" * 100)
    status, said = start(long).end()
    assert status == 3
    assert "[signer.socket_path_too_long]" in said
    assert "--socket" in said
    with pytest.raises(SocketPathTooLong):
        SignerClient(long / "signer.sock")
    client = SignerClient(tmp_path / "short")
    start(long, "--socket", tmp_path / "short")
    assert run(client.keysets()) == []
    client.close()


def test_a_file_where_the_socket_should_be_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "signer.sock"
    path.write_text("somebody's")
    with pytest.raises(SocketPathTaken):
        listen(path, shared=False)
    assert path.read_text() == "somebody's"


def test_a_dead_signers_socket_is_replaced_and_a_living_ones_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    listen(path, shared=False).close()
    assert path.exists()
    with listen(path, shared=False), pytest.raises(AlreadyRunning):
        listen(path, shared=False)


def test_the_keys_are_printed_without_serving(start: Start, tmp_path: Path) -> None:
    service = open_service(tmp_path)
    made = service.make_keyset("KES", "2026-11", None)
    service.close()
    status, said = start(tmp_path, "--keys").end()
    assert status == 0
    printed = json.loads(said)
    assert [msgspec.convert(each, PublicKeyset) for each in printed["keysets"]] == [made]
    assert printed["engine"] in ("batch", "plain")
    assert not (tmp_path / "signer.sock").exists()


def test_a_units_denominations_can_be_chosen(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, "--denominations", "sat=20", "--denominations", "a=b=1")
    client = SignerClient(process.socket)
    assert len(run(client.make_keyset("sat", "1", None)).keys) == 20
    assert len(run(client.make_keyset("a=b", "1", None)).keys) == 1
    assert len(run(client.make_keyset("KES", "1", None)).keys) == 14
    client.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--denominations", "sat"),
        ("--denominations", "sat=0"),
        ("--denominations", "sat=64"),
        ("--denominations", "=3"),
        ("--threads", "0"),
        ("--allow-uid", "7"),
        ("--seal-key", "x", "--pkcs11", "a:b:c"),
    ],
)
def test_a_wrong_command_line_is_refused_in_words(start: Start, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    status, said = start(tmp_path / "new", *arguments).end()
    assert status == 2
    assert "usage:" in said
    assert not (tmp_path / "new").exists()


def test_seeds_are_sealed_anew_by_a_command(start: Start, tmp_path: Path) -> None:
    folder, key = tmp_path / "keys", tmp_path / "key"
    service = open_service(folder)
    made = service.make_keyset("KES", "2026-11", None)
    service.close()
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    assert start(folder, "--reseal-to-key", key).end() == (0, "1 seeds are sealed with the new key.\n")
    status, said = start(folder).end()
    assert (status, "[signer.seal_key_missing]" in said) == (3, True)
    process = start(folder, "--seal-key", key)
    client = SignerClient(process.socket)
    assert run(client.keysets()) == [made]
    client.close()


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_it_stops_when_its_starter_is_gone(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, "--attached")
    client = SignerClient(process.socket)
    run(ready(client))
    process.let_go()
    assert process.end() == (0, "")
    assert not process.socket.exists()
    client.close()


def test_it_goes_on_without_its_starter_when_not_attached(start: Start) -> None:
    process = start()
    client = SignerClient(process.socket)
    run(ready(client))
    process.let_go()
    assert run(client.keysets()) == []
    client.close()


class SlowService(SignerService):
    """A signer whose batches begin, say so, and end when they may."""

    begun = threading.Event()
    may_end = threading.Event()

    def exchange(self, keysets: Sequence[str], jobs: Sequence[ExchangeJob]) -> list[Exchanged]:
        """See `SignerService`."""
        self.begun.set()
        assert self.may_end.wait(20)
        return super().exchange(keysets, jobs)


class PairedService(SignerService):
    """A signer whose batches end only when two are computed at once."""

    both = threading.Barrier(2, timeout=20)

    def exchange(self, keysets: Sequence[str], jobs: Sequence[ExchangeJob]) -> list[Exchanged]:
        """See `SignerService`."""
        self.both.wait()
        return super().exchange(keysets, jobs)


class BrokenService(SignerService):
    """A signer that fails in a way nobody thought of."""

    def exchange(self, keysets: Sequence[str], jobs: Sequence[ExchangeJob]) -> list[Exchanged]:
        """See `SignerService`."""
        raise RuntimeError(f"the secrets of {len(keysets)} or {len(jobs)} people")


@contextlib.contextmanager
def serving(service: SignerService, path: Path, *, users: set[int] | None = None, threads: int = 2) -> Iterator[Server]:
    """A server in a thread of this process."""
    server = Server(service, listen(path, shared=False), users=users or {os.geteuid()}, threads=threads)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(20)
        service.close()
        assert not thread.is_alive()


def service_of(folder: Path, kind: type[SignerService]) -> SignerService:
    """A service of this kind on the folder."""
    lock = FolderLock(folder)
    return kind(KeyFolder(folder, default_seal(folder, in_use=False), schemes(PlainEngine())), lock)


def test_a_question_under_way_is_answered_before_it_stops(tmp_path: Path) -> None:
    service = service_of(tmp_path, SlowService)
    keyset = service.make_keyset("KES", "1", None)
    path = tmp_path / "s"

    async def story(server: Server) -> list[Exchanged]:
        client = SignerClient(path)
        asked = asyncio.create_task(client.exchange([keyset.id], [ExchangeJob([], [output(1)])]))
        assert await asyncio.to_thread(SlowService.begun.wait, 20)
        server.stop()
        SlowService.may_end.set()
        answer = await asked
        client.close()
        return answer

    with serving(service, path) as server:
        (answer,) = run(story(server))
    assert len(answer.signatures) == 1
    assert not path.exists()


def test_two_batches_of_one_client_are_computed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def story() -> list[list[Exchanged]]:
        client = SignerClient(path)
        found = await asyncio.gather(*(client.exchange([], [ExchangeJob([], [])]) for _ in range(6)))
        client.close()
        return found

    with serving(service_of(tmp_path, PairedService), path):
        assert run(story()) == [[Exchanged([], [])]] * 6


def test_a_fault_is_told_to_the_caller_and_only_its_kind_to_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s"
    client = SignerClient(path)
    with serving(service_of(tmp_path, BrokenService), path):
        with pytest.raises(SignerFailed):
            run(client.exchange([], []))
        assert run(client.keysets()) == []
        client.close()
    assert [record.getMessage() for record in caplog.records] == ["a question failed: RuntimeError"]
    assert caplog.records[0].exc_info is None


# --- kill -9 and a patient client ---------------------------------------------------------------------------------------


def test_a_client_outwaits_a_signer_that_is_killed_and_started_again(start: Start) -> None:
    async def story() -> None:
        process = start()
        client = SignerClient(process.socket)
        keyset = await client.make_keyset("KES", "1", None)
        token = await issue(client, keyset, 1, "patient")
        job = ExchangeJob([token.spend()], [output(1)])
        expected = await client.exchange([keyset.id], [job])
        for _ in range(3):
            process.kill()
            asked = [asyncio.create_task(client.exchange([keyset.id], [job])) for _ in range(5)]
            await asyncio.sleep(0)
            process = start()
            assert await asyncio.gather(*asked) == [expected] * 5
        client.close()

    run(story())


def test_kills_at_random_moments_never_change_or_lose_a_keyset(start: Start) -> None:
    async def story() -> None:
        process = start()
        client = SignerClient(process.socket)
        dice, known = random.Random(5), {}
        for number in range(6):
            asked = asyncio.create_task(client.make_keyset("KES", str(number), None))
            await asyncio.sleep(dice.uniform(0, 0.01))
            process.kill()
            process = start()
            known[number] = await asked
            assert [await client.make_keyset("KES", str(each), None) for each in known] == list(known.values())
        assert {each.id for each in await client.keysets()} == {each.id for each in known.values()}
        client.close()

    run(story())


def test_an_absent_signer_is_an_error_when_the_patience_is_used_up(tmp_path: Path) -> None:
    client = SignerClient(tmp_path / "nobody.sock", patience=0.1)
    with pytest.raises(SignerUnreachable) as caught:
        run(client.keysets())
    assert (caught.value.code, caught.value.http_status) == ("signer.unreachable", 503)


def test_a_signer_that_does_not_answer_is_an_error_when_the_patience_is_used_up(tmp_path: Path) -> None:
    with listen(tmp_path / "s", shared=False):
        client = SignerClient(tmp_path / "s", patience=0.1)
        with pytest.raises(SignerUnreachable):
            run(client.keysets())
        client.close()


def test_a_call_that_is_given_up_does_not_spoil_the_next(client: SignerClient) -> None:
    async def story() -> None:
        keyset = await client.make_keyset("KES", "1", None)
        jobs = [ExchangeJob([], [output(1)] * 50)] * 20
        for pause in (0.0, 0.001, 0.005):
            given_up = [asyncio.create_task(client.exchange([keyset.id], jobs)) for _ in range(3)]
            await asyncio.sleep(pause)
            for each in given_up:
                each.cancel()
            await asyncio.gather(*given_up, return_exceptions=True)
            assert await client.keysets() == [keyset]

    run(story())


# --- who may ask ------------------------------------------------------------------------------------------------------


def test_connections_are_bounded_and_come_free_again(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with serving(service_of(tmp_path, SignerService), path):
        held = [raw(path) for _ in range(MAX_CONNECTIONS)]
        for connection in held:
            connection.sendall(frame(AskKeysets()))
            assert connection.recv(4)
        client = SignerClient(path)
        with pytest.raises(SignerBusy):
            run(client.keysets())
        for connection in held:
            connection.close()
        assert run(patiently(client)) == []
        client.close()


async def patiently(client: SignerClient) -> list[PublicKeyset]:
    """Ask until the signer is no longer busy."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await client.keysets()
            except SignerBusy:
                await asyncio.sleep(0.01)


def test_a_user_who_is_not_listed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with serving(service_of(tmp_path, SignerService), path, users={os.geteuid() + 1}):
        client = SignerClient(path)
        with pytest.raises(CallerRefused):
            run(client.keysets())
        client.close()


AS_ANOTHER = """
import asyncio, os, sys
from pathlib import Path
from amparo_signer.client import SignerClient
from amparo_signer.errors import SignerError
client = SignerClient(Path(sys.argv[2]))
os.setuid(int(sys.argv[1]))
try:
    print(asyncio.run(client.keysets()))
except SignerError as error:
    print(error.code)
client.close()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user to try it")
def test_another_user_is_served_only_if_listed(start: Start, tmp_path: Path) -> None:
    def ask(user: int, path: Path) -> str:
        command = [sys.executable, "-W", "error", "-c", AS_ANOTHER, str(user), str(path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        open_to, own = Path(folder) / "run" / "s", Path(folder) / "own"
        start(tmp_path / "a", "--socket", open_to, "--allow-uid", "12345")
        start(tmp_path / "b", "--socket", own)
        for path in (open_to, own):
            client = SignerClient(path)
            run(ready(client))
            client.close()
        assert [ask(user, open_to) for user in (12345, 54321, 0)] == ["[]", "signer.caller_refused", "[]"]
        assert [ask(user, own) for user in (12345, 0)] == ["signer.caller_refused", "[]"]


@pytest.mark.skipif(sys.platform != "linux", reason="what /proc says is Linux's")
def test_the_process_leaves_no_core_and_cannot_be_read_by_its_users_other_programs(start: Start) -> None:
    process = start()
    client = SignerClient(process.socket)
    run(ready(client))
    folder = Path("/proc") / str(process.process.pid)
    limits = (folder / "limits").read_text()
    (core,) = (line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    # An undumpable process belongs to root, whoever runs it; what it maps cannot then be opened by its own user.
    assert (folder / "mem").stat().st_uid == 0
    client.close()
