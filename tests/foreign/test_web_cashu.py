"""The phone apps' TypeScript (web/cashu) and cashu-ts read each other, without a mint: tokens, requests, locks, secrets, proofs.

The drives are in `cashu_ts/web.mjs`; each prints sentences that were true or not. Beside them the apps' own tests of the protocol
run, which judge every published vector.
"""

import subprocess
from pathlib import Path

import msgspec
import pytest
from tests.foreign.conftest import CASHU_TS
from tests.foreign.test_cashu_ts import Verdict
from tools import environments
from tools.environments import ROOT

PATIENCE_SECONDS = 120
WEB = ROOT / "web"
DRIVES = ["points", "keysets", "secrets", "proofs", "tokens", "requests", "locks", "hidden", "claims"]


@pytest.fixture(scope="session")
def node_for_web(node: Path) -> Path:
    """The node that has what the apps are made of beside cashu-ts."""
    environments.node().install(WEB)
    return node


def drive(node: Path, name: str) -> Verdict:
    """What one drive found."""
    command = [str(node), str(CASHU_TS / "web.mjs"), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=Verdict)


@pytest.mark.parametrize("name", DRIVES)
def test_cashu_ts_and_the_phone_apps_read_each_other(name: str, node_for_web: Path) -> None:
    verdict = drive(node_for_web, name)
    assert verdict.found, f"{name} found nothing"
    faults = [f"{fact.sentence}: {fact.detail}" for fact in verdict.found if not fact.holds]
    assert not faults, "\n".join(faults)


def test_every_drive_is_run_here(node_for_web: Path) -> None:
    assert drive(node_for_web, "names").things["names"] == DRIVES


def test_the_protocol_of_the_phone_apps_keeps_its_own_tests(node_for_web: Path) -> None:
    files = sorted(str(path) for path in (WEB / "cashu" / "tests").glob("*.test.ts"))
    command = [str(node_for_web), "--test", *files]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-8_000:]
