"""A backup of the mint's database is put back by the commands of the operator's page: what was spent after it stays spent."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from bench.nutshell.asking import post
from bench.nutshell.purse import Method, Purse
from tests.foreign.practice_mint import PracticeMint, practice_mint
from tests.needed import cannot_run
from tests.servers.postgres import postgres_server

from amparo_cashu.wire import Proof
from amparo_service.client import Client

UNIT = "sat"
AMOUNTS = (1, 2, 4)
Step = Callable[[], object]


@pytest.fixture(params=["sqlite", "postgres"])
def backed_up(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[PracticeMint, Step, Step]]:
    """A running mint; how its operator makes a backup, and how one puts it back while the mint is stopped."""
    if request.param == "sqlite":
        with practice_mint(tmp_path, units=[UNIT]) as mint:
            copy = tmp_path / "backup.sqlite"

            def put_back() -> None:
                for rest in ("-wal", "-shm"):
                    (mint.folder / f"mint.sqlite{rest}").unlink(missing_ok=True)
                shutil.copy2(copy, mint.folder / "mint.sqlite")

            yield (
                mint,
                lambda: _operator(mint).post("/operate/backup", {"path": str(copy)}, dict[str, object]),
                put_back,
            )
        return
    with postgres_server() as server:
        if server is None:
            cannot_run("PostgreSQL is not installed (Debian: postgresql)")
        database = server.make_database("mint")
        with practice_mint(tmp_path, units=[UNIT], settings={"database": database}) as mint:
            dump = server.folder / "mint.dump"
            yield mint, lambda: server.back_up("mint"), lambda: server.put_back("mint", dump)


def _operator(mint: PracticeMint) -> Client:
    return Client(mint.url, bearer=(mint.folder / "operator.token").read_text())


def _program(mint: PracticeMint, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", *words, "--data", str(mint.folder)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)


def _purse(mint: PracticeMint) -> Purse:
    """A purse for the keyset that signs now."""
    return Purse(mint.url, Method("benefit", mint.front), UNIT)


def _swap(purse: Purse, proofs: list[Proof]) -> tuple[int, str]:
    """What the mint answers to an exchange: status, and its stable code where it refuses."""
    blanks = purse.blanks([proof.amount for proof in proofs])
    body = {"inputs": proofs, "outputs": [blank.output for blank in blanks]}
    ((answer,), _) = purse.server.ask([post("/v1/swap", body)])
    purse.keep([answer], [blanks])
    return answer.status, msgspec.json.decode(answer.body).get("error", "")


def test_what_was_spent_after_a_backup_is_never_taken_again(backed_up: tuple[PracticeMint, Step, Step]) -> None:
    mint, back_up, put_back = backed_up
    purse = _purse(mint)
    purse.fill(2)
    kept, spent = purse.take(AMOUNTS), purse.take(AMOUNTS)
    back_up()
    assert _swap(purse, spent) == (200, "")
    mint.stop()
    put_back()
    # By accident: the mint sees that it knew more before.
    refused = _program(mint, "amparo_mint", "--port", "0")
    assert refused.returncode != 0
    assert "mint.database_too_old" in refused.stderr
    # On purpose.
    frozen = _program(mint, "amparo_mint.restored")
    assert frozen.returncode == 0, frozen.stderr
    assert [each["keyset"] for each in json.loads(frozen.stdout)["frozen"]] == [mint.keysets[UNIT]]
    mint.start()
    _operator(mint).post("/operate/keysets", {"unit": UNIT, "period": "again", "final_expiry": None}, dict[str, str])
    fresh = _purse(mint)
    for proofs in (spent, kept):
        assert _swap(fresh, proofs) == (400, "token.keyset_expired")
    fresh.fill(1)
    assert _swap(fresh, fresh.take(AMOUNTS)) == (200, "")
