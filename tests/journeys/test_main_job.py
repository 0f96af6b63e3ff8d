"""The main job from end to end, through real services: one household's whole way, checked by an outsider."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pypdfium2
import pytest
from tests.conftest import HOUSEHOLDS, SEED, Town

from amparo.audit.service import run_audit
from amparo.demo.people import People
from amparo.demo.steps import STEPS
from amparo_paper.errors import CodeNotReadable
from amparo_paper.sheet import read_printed
from amparo_wallet.receipts import Evidence, check_evidence

# What differs between two runs of one seed: keys are really random, and with them the thief's luck.
RANDOM = re.compile(r"keyset\.|attacks|figures$")


def amparo(*arguments: str, expect: int = 0) -> Any:
    """The command's JSON answer, after it ended with the expected exit code."""
    command = [sys.executable, "-m", "amparo", *arguments, "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == expect, result.stderr + result.stdout
    return json.loads(result.stdout)


def totals(done: dict[str, Any]) -> dict[str, object]:
    """Every figure of a demo that the seed decides."""
    plain = msgspec.to_builtins(done)
    return {
        f"{step}.{name}": value
        for step, found in plain.items()
        for name, value in found["figures"].items()
        if not RANDOM.search(name)
    }


def test_every_step_of_the_month_is_done(town: Town) -> None:
    assert list(town.done) == [step.name for step in STEPS]
    assert town.done["register"].figures["households"] == HOUSEHOLDS


def test_the_money_adds_up_to_the_cent_from_decision_to_bank_file(town: Town) -> None:
    decided, claimed = town.done["decide"].figures, town.done["claim"].figures
    spent, settled = town.done["shopping"].figures, town.done["settle"].figures
    assert decided["food-basket.total"] == claimed["claimed.usd"]
    assert decided["health-visit.total"] == claimed["claimed.usd-medicine"]
    for unit in ("usd", "usd-medicine"):
        assert spent[f"spent.{unit}"] == settled[f"settled.{unit}"]
    assert settled["ledger_balances"] is True
    assert settled["lost_to_double_spending"] == 0
    assert town.done["audit"].figures["passed"] is True


def test_people_keep_what_they_did_not_spend(town: Town) -> None:
    people = People(town.stage)
    (in_purses,) = people.rows("SELECT coalesce(sum(amount), 0) FROM coin WHERE state = 'ready' AND unit = 'usd'")[0]
    (on_paper,) = people.rows("SELECT coalesce(sum(amount), 0) FROM voucher WHERE purchase IS NULL AND unit = 'usd'")[0]
    audit = run_audit(town.services.url("log"), town.services.vkey, memory=town.papers / "seen by a test")
    (unit,) = [each for each in audit.figures.units if each.unit == "usd"]
    assert in_purses + on_paper == unit.outstanding


@pytest.mark.parametrize("word", ["yes", "no"])
def test_a_saved_receipt_is_recomputed_offline(town: Town, word: str) -> None:
    evidence = msgspec.json.decode((town.papers / f"receipt-{word}.json").read_bytes(), type=Evidence)
    receipt = check_evidence(evidence, town.services.vkey)
    assert receipt.eligible == (word == "yes")
    assert (receipt.amount > 0) == receipt.eligible
    assert bool(receipt.failed) != receipt.eligible


def test_a_receipt_is_checked_by_the_command_line(town: Town) -> None:
    found = amparo("receipt", "check", str(town.papers / "receipt-no.json"), "--vkey", town.services.vkey)
    assert found["eligible"] is False


def test_a_card_shows_nothing_without_the_verifiers_key_and_the_person_with_it(town: Town) -> None:
    card = str(town.papers / "cards.pdf")
    log = ("--log", town.services.url("log"), "--vkey", town.services.vkey)
    sealed = amparo("verify", card, *log, expect=1)
    assert sealed["error"]["code"] == "credentials.sealed"
    key = town.stage.folder.service("office") / "verifier-key.bin"
    opened = amparo("verify", card, *log, "--verifier-key", str(key))
    assert opened["full_name"]
    assert opened["full_name"] not in json.dumps(sealed)


def test_every_voucher_of_a_page_is_a_code_and_no_page_has_two_households(town: Town) -> None:
    people = People(town.stage)
    homes = {code: home for home, code in people.rows("SELECT home, code FROM voucher")}
    pdf = (town.papers / "vouchers.pdf").read_bytes()
    document = pypdfium2.PdfDocument(pdf)
    pages = len(document)
    document.close()
    printed: list[str] = []
    for inside, outside in zip(range(1, pages + 1, 2), range(2, pages + 1, 2), strict=True):
        codes = read_printed(pdf, page=inside)
        assert len({homes[code] for code in codes}) == 1
        printed += codes
        with pytest.raises(CodeNotReadable):
            read_printed(pdf, page=outside)
    assert sorted(printed) == sorted(homes)


def test_an_outsider_audits_from_the_command_line(town: Town, tmp_path: Path) -> None:
    found = amparo(
        "audit",
        town.services.url("log"),
        "--vkey",
        town.services.vkey,
        "--html",
        str(tmp_path),
        "--memory",
        str(tmp_path / "seen"),
    )
    assert found["passed"] is True
    assert {path.name for path in tmp_path.glob("*.html")} == {
        f"audit-{each}.html" for each in ["es", "en", "fr", "ar", "pt"]
    }


def test_an_audit_under_another_key_finds_the_log_false(town: Town, tmp_path: Path) -> None:
    wrong = town.services.vkey[:-8] + "AAAAAAA="
    found = amparo("audit", town.services.url("log"), "--vkey", wrong, "--memory", str(tmp_path / "seen"), expect=3)
    assert found["error"]["code"] == "log.bad_note"


def test_the_same_seed_gives_the_same_totals_and_a_finished_demo_is_not_played_again(
    town: Town, tmp_path: Path
) -> None:
    options = ("demo", "--once", "--data", str(tmp_path / "demo"), "--households", str(HOUSEHOLDS))
    again = amparo(*options, "--seed", str(SEED))
    assert totals(again) == totals(town.done)
    # Playing a step again would give other keys and another thief's luck.
    assert amparo(*options, "--seed", str(SEED)) == again
    refused = amparo(*options, "--seed", "8", expect=3)
    assert refused["error"]["code"] == "amparo.another_town"


def test_no_output_of_a_service_names_anybody(town: Town) -> None:
    for name in ("log", "office", "mint", "shops"):
        assert (town.stage.folder.service(name) / "output").read_text() == ""


def test_the_office_keeps_no_copy_of_the_printed_cards(town: Town) -> None:
    assert list((town.stage.folder.service("office") / "cards").iterdir()) == []
