"""The rules of the phone apps (web/rules) and of the office (packages/rules) give the same answers: the vectors that hold the two
together are what Python makes now, and node agrees with all of them.
"""

import subprocess
from pathlib import Path

import pytest
from tools import environments, vectors_rules, words
from tools.environments import ROOT

from amparo_rules.catalogue import CATALOGUE

WEB = ROOT / "web"
PATIENCE_SECONDS = 300
MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def made() -> dict[Path, str]:
    """What the generator makes now."""
    return vectors_rules.files()


def test_vectors_and_catalogue_of_the_phone_apps_are_what_python_makes_now(made: dict[Path, str]) -> None:
    stale = [str(path) for path, text in made.items() if (ROOT / path).read_text(encoding="utf-8") != text]
    assert not stale, f"run `python -m tools.vectors_rules`: {', '.join(stale)}"
    left = {path.relative_to(ROOT) for path in (ROOT / vectors_rules.VECTORS).glob("*")} - set(made)
    assert not left


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_fact_is_called_alike_by_the_office_and_on_phones(language: str) -> None:
    said = words.table(words.on_phones(ROOT, "wallet"), language, ROOT)
    differing = [fact.name for fact in CATALOGUE.values() if said.get(fact.label["en"]) != fact.label[language]]
    assert not differing, f"the words of {language} differ from the catalogue: change them with tools/words.py"


def test_the_vectors_stay_small(made: dict[Path, str]) -> None:
    assert sum(len(text.encode()) for text in made.values()) < MOST_BYTES


@pytest.mark.parametrize("package", ["rules", "log"])
def test_the_phone_apps_agree_with_every_vector(package: str, node: Path) -> None:
    environments.node().install(WEB)
    files = sorted(str(path) for path in (WEB / package / "tests").glob("*.test.ts"))
    done = subprocess.run(
        [str(node), "--test", *files], cwd=WEB, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-8_000:]
