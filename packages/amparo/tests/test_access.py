"""A whole month at a mint that wants access tokens (`amparo serve --access`): the office logs wallets in, the shops side logs
tills in, and everything else is as without."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.amparo.tests.terminal import HOUSEHOLDS
from tests.conftest import play

from amparo.demo.steps import STEPS
from amparo.demo.story import Stage, Step, StepDone, Story, moment
from amparo.folder import DataFolder
from amparo.supervisor import Settings, Supervisor
from amparo_cashu.nut22_auth import UNIT
from amparo_service.client import Client
from amparo_service.errors import RemoteError
from amparo_service.practice_clock import PracticeClock

# What has to do with coins; the rest is as in every demo.
_LEFT_OUT = {"cards", "too_early", "receipts", "cheats"}
Month = tuple[Stage, dict[str, StepDone]]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """The month, played, and its services still running."""
    folder = DataFolder(tmp_path_factory.mktemp("access"))
    PracticeClock(folder.clock).set(moment(1))
    with Supervisor(folder, practice=True, settings=Settings(access=True)) as services:
        stage = play(folder, services, seed=3, households=HOUSEHOLDS)

        def open_access_keyset(step: Step) -> None:
            if step.name == "claim":
                asked = {"unit": UNIT, "period": "2026-10", "final_expiry": None}
                stage.installation.mint_operator().post("/operate/keysets", asked, dict[str, str])

        steps = [step for step in STEPS if step.name not in _LEFT_OUT]
        done = Story(folder, stage.options).play(
            steps, stage, before=open_access_keyset, after=lambda _done, _earlier: None
        )
        yield stage, done


def test_aid_is_claimed_spent_settled_and_audited(month: Month) -> None:
    stage, done = month
    assert done["audit"].figures["passed"] is True
    rows = done["audit"].figures["figures"]
    assert isinstance(rows, list)
    # Access tokens are no aid: nothing that an auditor adds up.
    assert {row["unit"] for row in rows if row["issued"] != "0.00"} == {"usd", "usd-medicine"}
    assert all(row["spent"] == row["settled"] != "0.00" for row in rows)
    assert stage.papers.exists()


def test_a_stranger_is_not_answered(month: Month) -> None:
    stage, _ = month
    asked = {"unit": "usd", "amount": 100, "pubkey": "02" + "11" * 32}
    with pytest.raises(RemoteError) as refused:
        Client(stage.installation.services.url("mint")).post("/v1/mint/quote/benefit", asked, dict[str, object])
    assert refused.value.remote_code == "31001"


def test_who_is_believed_is_written_once_and_only_where_it_was_asked_for(month: Month, tmp_path: Path) -> None:
    stage, _ = month
    mint = stage.folder.service("mint")
    assert len(json.loads((mint / "login-keys.json").read_bytes())["keys"]) == 2
    plain = DataFolder(tmp_path)
    with Supervisor(plain, practice=False):
        settings = json.loads((plain.service("mint") / "config.json").read_bytes())
    assert not {"clear_auth", "blind_auth"} & set(settings)
    # Asked for later, it is the operator's to write: the services' folders are theirs.
    with Supervisor(plain, practice=False, settings=Settings(access=True)):
        assert json.loads((plain.service("mint") / "config.json").read_bytes()) == settings
