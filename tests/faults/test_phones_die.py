"""A phone dies before and after every step of every deed: no coin is lost, none counts twice (`web/*/tests/*_crash.test.ts`)."""

import subprocess

import pytest
from tools import environments
from tools.environments import ROOT

pytestmark = pytest.mark.faults
WEB = ROOT / "web"


@pytest.mark.parametrize("package", ["purse", "wallet", "till"])
def test_a_phone_that_dies_at_any_step_loses_and_doubles_nothing(package: str) -> None:
    node = environments.node()
    node.install(WEB)
    files = sorted(str(path) for path in (WEB / package / "tests").glob("*_crash.test.ts"))
    assert files
    done = subprocess.run(
        [str(node.program), "--test", *files], cwd=WEB, capture_output=True, text=True, timeout=1_800, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
