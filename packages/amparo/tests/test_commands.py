"""The command line: help everywhere, one sentence and an exit code for every failure, JSON on request, a real day of work."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from amparo.__main__ import app
from amparo.folder import DataFolder
from amparo.supervisor import Supervisor
from amparo_log.fork import ForkEvidence
from amparo_log.note import Checkpoint, NoteSigner
from amparo_rules.starter import starter
from amparo_service.practice_clock import PracticeClock

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str, expect: int = 0, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    result = subprocess.run(
        [sys.executable, "-m", "amparo", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | (env or {}) | {"NO_COLOR": "1", "COLUMNS": "200"},
    )
    assert result.returncode == expect, result.stderr + result.stdout
    return result


def answer(*arguments: str, expect: int = 0) -> Any:
    """The command's JSON answer."""
    return json.loads(run(*arguments, "--json", expect=expect).stdout)


def every_command() -> list[list[str]]:
    """Every command and group by its words."""
    found: list[list[str]] = []

    def walk(command: Any, words: list[str]) -> None:
        found.append(words)
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, [*words, name])

    walk(get_command(app), [])
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_has_help_that_says_something(words: list[str]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    assert len(result.output) > 200


def test_every_command_that_answers_can_answer_as_json() -> None:
    root: Any = get_command(app)
    without = []
    for words in every_command():
        command = root
        for word in words:
            command = command.commands[word]
        if not hasattr(command, "commands") and "as_json" not in {each.name for each in command.params}:
            without.append(" ".join(words))
    # `test` shows other programs' output; `programme starter` prints a file.
    assert sorted(without) == ["programme starter", "test"]


def test_shell_completion_is_there() -> None:
    assert (
        "complete" in run("--show-completion", "bash", env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}).stdout
    )


def test_wrong_usage_is_exit_code_2() -> None:
    run("audit", expect=2)
    run("no-such-command", expect=2)


def test_a_failure_is_one_sentence_with_its_code_and_exit_code_3(tmp_path: Path) -> None:
    result = run("programme", "list", "--data", str(tmp_path), expect=3)
    assert result.stdout == ""
    assert result.stderr.startswith("amparo: There are no services in")
    assert result.stderr.strip().endswith("[amparo.nothing_running]")


def test_a_failure_as_json_is_json(tmp_path: Path) -> None:
    found = answer("wallet", "balance", "usd", "--wallet", str(tmp_path), expect=3)
    assert found["error"]["code"] == "amparo.file_missing"
    assert set(found["error"]) == {"code", "what", "why", "todo"}


def test_an_audit_of_nothing_is_a_failure_not_a_finding(tmp_path: Path) -> None:
    vkey = "log.example+00000000+AAAA"
    found = answer("audit", "http://127.0.0.1:9", "--vkey", vkey, "--memory", str(tmp_path / "m"), expect=3)
    assert found["error"]["code"] == "log.bad_note"


def test_a_proof_that_the_log_was_rewritten_is_judged_without_an_account(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "formats" / "log-fork.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("```json ForkEvidence\n")
    proof, wrong = tmp_path / "proof.json", tmp_path / "wrong.json"
    proof.write_text(rest.partition("```")[0])
    wrong.write_text("{}")
    vkey = json.loads(proof.read_text())["vkey"]
    assert answer("fork", str(proof), "--vkey", vkey, expect=1) == {"verdict": "proved", "before": 17, "after": 17}
    assert "was rewritten" in run("fork", str(proof), "--vkey", vkey, expect=1).stdout
    assert answer("fork", str(wrong), "--vkey", vkey, expect=3)["error"]["code"] == "amparo.file_missing"
    another = "bread.example/log+3e95df1f" + vkey[vkey.rindex("+") :]
    assert answer("fork", str(proof), "--vkey", another, expect=3)["error"]["code"] == "log.bad_note"


def test_a_proof_that_only_the_log_can_judge_stays_open_until_it_is_asked(tmp_path: Path) -> None:
    notes, proof = NoteSigner("bread.example/log", bytes(32)), tmp_path / "proof.json"
    before, after = (notes.sign(Checkpoint(notes.name, size, bytes(32)).text()) for size in (3, 4))
    proof.write_bytes(msgspec.json.encode(ForkEvidence(1, "log-rewritten", notes.vkey, before, after)))
    found = answer("fork", str(proof), "--vkey", notes.vkey, expect=0)
    assert found == {"verdict": "open", "before": 3, "after": 4, "reason": "not-asked"}
    assert "ask it with --log" in run("fork", str(proof), "--vkey", notes.vkey, expect=0).stdout


def test_throwing_away_never_touches_other_files(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    found = answer("demo", "--fresh", "--once", "--data", str(tmp_path), expect=3)
    assert found["error"]["code"] == "amparo.another_town"
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_a_rule_is_checked_without_any_service(tmp_path: Path) -> None:
    rule = tmp_path / "rule.yaml"
    rule.write_text(starter("food-basket"))
    assert answer("programme", "check", str(rule))["programme"] == "food-basket"
    rule.write_text(starter("food-basket").replace("rooms: int", "party: int"))
    refused = answer("programme", "check", str(rule), expect=3)
    assert refused["error"]["code"] == "rules.forbidden_concept"


def test_a_rule_is_checked_with_drafts_of_facts_that_the_catalogue_lacks(tmp_path: Path) -> None:
    rule, facts = tmp_path / "rule.yaml", tmp_path / "facts.json"
    source = starter("food-basket").replace("rooms: int", "roof_type: int, rooms: int")
    rule.write_text(source)
    assert answer("programme", "check", str(rule), expect=3)["error"]["code"] == "rules.unknown_fact"
    draft: dict[str, Any] = {
        "name": "roof_type",
        "entity": "household",
        "type": {"kind": "int", "min": 1, "max": 5},
        "label": dict.fromkeys(("es", "en", "fr", "ar", "pt"), "type of roof"),
        "purpose": "declared need of the household",
        "retention_days": 365,
    }
    facts.write_text(json.dumps([draft]))
    rule.write_text(source.replace("language: 1", "language: 2"))
    assert answer("programme", "check", str(rule), "--facts", str(facts))["programme"] == "food-basket"
    for wrong, code in (
        (draft | {"name": "party_card"}, "rules.forbidden_concept"),
        (draft | {"label": {}}, "rules.definition_not_allowed"),
        (draft | {"more": 1}, "amparo.file_missing"),
    ):
        facts.write_text(json.dumps([wrong]))
        refused = answer("programme", "check", str(rule), "--facts", str(facts), expect=3)
        assert refused["error"]["code"] == code


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A folder with running services on the machine's own clock."""
    folder = DataFolder(tmp_path_factory.mktemp("office"))
    with Supervisor(folder, practice=False):
        yield str(folder.root)


def test_a_day_at_the_office(data: str, tmp_path: Path) -> None:
    """Publish, import with a fault and without, and be refused before the notice period ends, as staff would type it."""
    rule = tmp_path / "rule.yaml"
    rule.write_text(run("programme", "starter", "food-basket").stdout)
    published = answer("programme", "publish", str(rule), "--data", data)
    assert answer("programme", "list", "--data", data)[0]["rule_hash"] == published["rule_hash"]

    services = DataFolder(Path(data)).services()
    assert services is not None
    log = ("--log", services.url("log"), "--vkey", services.vkey)
    checked = run("programme", "check", str(rule), *log, "--json", env={"HOME": str(tmp_path)}).stdout
    assert json.loads(checked)["rule_hash"] == published["rule_hash"]

    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "source: field team\ndate: 2026-10-01\nhousehold: {ref: ref, facts: {monthly_income: income}}\n"
        "individual: {household: ref, facts: {is_head: head}}\n"
    )
    homes, people = tmp_path / "homes.csv", tmp_path / "people.csv"
    homes.write_text("ref,income\nA,100.00\nB,a lot\n")
    people.write_text("ref,head\nA,yes\nB,yes\n")
    arguments = ("import", str(homes), "--individuals", str(people), "--mapping", str(mapping), "--data", data)
    refused = answer(*arguments, expect=3)
    assert refused["error"]["code"] == "office.rows_refused"
    (fault,) = refused["faults"]
    assert (fault["file"], fault["row"], fault["column"], fault["value"]) == ("homes.csv", 3, "income", "a lot")
    assert "a lot" in run(*arguments, expect=3).stderr

    homes.write_text("ref,income\nA,100.00\nB,\n")
    assert answer(*arguments)["households"] == 2
    assert answer(*arguments)["already"] is True

    today = datetime.now(UTC).date().isoformat()
    wallet, till = str(tmp_path / "wallet"), str(tmp_path / "till")
    answer("wallet", "init", "--wallet", wallet, "--data", data)
    answer("wallet", "enrol", answer("codes", "A", "--data", data)["A"], "--wallet", wallet)
    assert answer("wallet", "papers", "--wallet", wallet) == []
    answer("mint", "keyset", "usd", "--period", "2026-11", "--data", data)
    poor = answer("wallet", "pay", "1.00", "usd", "--wallet", wallet, expect=3)
    assert poor["error"]["code"] == "purse.not_enough"

    shop = answer("shop", "accredit", "Mercado", "ES9121000418450200051332", "--unit", "usd", "--data", data)
    access = ("--shop", shop["shop"], "--access", shop["access"])
    assert answer("shop", "open", *access, "--till", till, "--data", data)["lock_key"]
    assert answer("shop", "standing", "usd", "--till", till)["deposited"] == 0
    junk = answer("shop", "take", "cashuBjunk", "1.00", "usd", "--till", till, expect=3)
    assert junk["error"]["code"] == "token.malformed"

    early = ("decide", "food-basket", "--version", "2026.1", "--cycle", "c1", "--as-of", today, "--data", data)
    assert answer(*early, expect=3)["error"]["code"] == "rules.rule_not_public_in_time"


def test_roles_are_separate_tokens(data: str) -> None:
    new = answer("staff", "add", "registrar", "--data", data)
    result = run(
        "approve",
        "food-basket",
        "--cycle",
        "c1",
        "--data",
        data,
        "--json",
        expect=3,
        env={"AMPARO_ACCESS": new["access"]},
    )
    assert json.loads(result.stdout)["error"]["code"] == "office.role_missing"


def test_crowds_are_shown_and_bands_are_offered_before_a_payment_is_approved(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "town")
    folder.prepare()
    clock = PracticeClock(folder.clock)
    clock.set(datetime(2026, 10, 1, 9, tzinfo=UTC))
    homes, people, rule = tmp_path / "homes.csv", tmp_path / "people.csv", tmp_path / "rule.yaml"
    homes.write_text("ref\n" + "".join(f"H{number}\n" for number in range(22)))
    born = "".join(f"H{number},1950-06-01\n" for number in range(22)) + "H21,1951-06-01\n"
    people.write_text("ref,born\n" + born)
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "source: field team\ndate: 2026-10-01\nhousehold: {ref: ref}\n"
        "individual: {household: ref, facts: {birth_date: born}}\n"
    )
    rule.write_text(starter("health-visit"))
    with Supervisor(folder, practice=True):
        where = ("--data", str(folder.root))
        answer("programme", "publish", str(rule), *where)
        answer("import", str(homes), "--individuals", str(people), "--mapping", str(mapping), *where)
        clock.set(datetime(2026, 10, 9, 9, tzinfo=UTC))
        cycle = ("health-visit", "--cycle", "c1")
        decided = run("decide", *cycle, "--version", "2026.1", "--as-of", "2026-10-09", *where).stdout
        assert "1 households share theirs with fewer than 20, the smallest crowd is 1" in " ".join(decided.split())
        refused = answer("approve", *cycle, *where, expect=3)
        assert refused["error"]["code"] == "office.crowds_too_small"
        offered = run("programme", "bands", *cycle, "--version", "2", "--crowd", "20", *where)
        assert "20: 1 amounts, 880.00 in all, +91.3% dearer" in offered.stderr
        out = tmp_path / "banded.yaml"
        answer("programme", "bands", *cycle, "--version", "2", "--out", str(out), *where)
        assert answer("programme", "check", str(out))["version"] == "2"
        assert offered.stdout == out.read_text()
        done = run("approve", *cycle, "--small-crowds-known", *where, env={"AMPARO_LANGUAGE": "es"}).stdout
        assert "2 montos distintos" in done
