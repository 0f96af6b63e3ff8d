"""The import contracts of `[tool.importlinter]` hold, and each of them sees the breach it is there for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tidy.tree import Workspace, plant

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

# the contract that alone must see it, and what is planted where
BREACHES = {
    "the mint imports the office": ("mint", {"mint/src/amparo_mint/leak.py": "import amparo_office\n"}),
    "inside a function": (
        "mint",
        {"mint/src/amparo_mint/store.py": "\n\ndef f():\n    from amparo_office import store\n"},
    ),
    "for types only": (
        "mint",
        {
            "mint/src/amparo_mint/leak.py": (
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import amparo_credentials\n"
            )
        },
    ),
    "the mint reads rules through the log": ("mint", {"log/src/amparo_log/view.py": "\nimport amparo_rules.rule\n"}),
    "the office imports tokens": ("office", {"office/src/amparo_office/leak.py": "import amparo_cashu.wire\n"}),
    "the shops import tokens": ("shops", {"shops/src/amparo_shops/leak.py": "import amparo_cashu.wire\n"}),
    "the staff apps read the log": ("staff", {"staff/src/amparo_staff/leak.py": "import amparo_log.view\n"}),
    "the signer reads the log": ("signer", {"signer/src/amparo_signer/leak.py": "import amparo_log.view\n"}),
    "the mint's own process reads keys": ("keys", {"mint/src/amparo_mint/leak.py": "import amparo_signer.keymemory\n"}),
    "a neighbour": ("layers", {"wallet/src/amparo_wallet/leak.py": "import amparo_till.till\n"}),
    "a line above": ("layers", {"common/src/amparo_common/leak.py": "import amparo_service.keys\n"}),
    "the till reads rules": ("devices", {"till/src/amparo_till/leak.py": "import amparo_rules.receipt\n"}),
    "the phone apps' server opens a database": ("apps", {"apps/src/amparo_apps/leak.py": "import sqlite3\n"}),
    "the log reads tokens": ("shared", {"log/src/amparo_log/leak.py": "import amparo_cashu.wire\n"}),
    "a shared helper joins people and tokens": (
        "one-side",
        {"log/src/amparo_log/helper.py": "import amparo_cashu.wire\nimport amparo_credentials.card\n"},
    ),
    "a helper's helper joins them": (
        "one-side",
        {
            "paper/src/amparo_paper/helper.py": "import amparo_credentials.card\n",
            "purse/src/amparo_purse/helper.py": "import amparo_paper.helper\n",
        },
    ),
    "an __init__ on the way joins them": (
        "one-side",
        {"log/src/amparo_log/__init__.py": "\nimport amparo_credentials.card\n"},
    ),
    "a pure package opens a database": ("pure", {"rules/src/amparo_rules/leak.py": "import sqlite3\n"}),
    "a pure package calls the network": ("pure", {"paper/src/amparo_paper/leak.py": "from urllib import request\n"}),
    "a pure package reads files": ("pure-disk", {"cashu/src/amparo_cashu/leak.py": "from pathlib import Path\n"}),
}


def lint(workspace: Workspace, *options: str) -> tuple[int, str]:
    """Run `lint-imports` on this tree; gives its exit status and what it printed."""
    sources = os.pathsep.join(str(workspace.root / "packages" / each / "src") for each in workspace.packages)
    done = subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--no-logo", *options],
        cwd=workspace.root,
        env=os.environ | {"PYTHONPATH": sources, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_import_contracts_hold(workspace: Workspace) -> None:
    status, said = lint(workspace)
    assert status == 0, said
    assert ", 0 broken." in said


@pytest.mark.parametrize("breach", BREACHES)
def test_a_contract_sees_a_planted_breach(copy: Workspace, breach: str) -> None:
    contract, planted = BREACHES[breach]
    for path, text in planted.items():
        plant(copy, f"packages/{path}", text)
    status, said = lint(copy, "--contract", contract)
    assert status == 1, said
    assert "0 kept, 1 broken." in said, said


def test_every_contract_has_a_planted_breach(workspace: Workspace) -> None:
    contracts = {contract["id"] for contract in workspace.settings["tool"]["importlinter"]["contracts"]}
    assert contracts == {contract for contract, _ in BREACHES.values()}


def test_the_copy_without_a_breach_is_kept(copy: Workspace) -> None:
    status, said = lint(copy)
    assert status == 0, said


def test_a_misspelt_side_is_an_error(copy: Workspace) -> None:
    settings = copy.root / "pyproject.toml"
    settings.write_text(settings.read_text().replace('shops = ["amparo_shops"]', 'shops = ["amparo_shop"]'))
    status, said = lint(copy, "--contract", "one-side")
    assert status == 1
    assert "No such package: amparo_shop." in said
