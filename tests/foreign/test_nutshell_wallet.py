"""Nutshell's own wallet, unchanged and from its command line, on our mint with the bolt11-shaped practice method.

Each command is a process, as a person would type it, in an environment with Nutshell's own pinned dependencies.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.foreign.invoice import write_invoice
from tests.foreign.practice_mint import PracticeMint

PATIENCE_SECONDS = 90


class NutshellWallet:
    """A wallet of Nutshell on a mint, in a folder."""

    def __init__(self, programs: Path, mint: str, folder: Path, name: str, *, unit: str = "sat") -> None:
        self._command = [str(programs / "cashu"), "-h", mint, "-w", name, "-u", unit, "-y"]
        self._folder = folder
        # HOME is the folder, so that no settings file of the person who runs this is read.
        self._settings = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "CASHU_DIR": str(folder / "wallets"),
            "MINT_URL": mint,
            "TOR": "FALSE",
            "LOG_LEVEL": "WARNING",
        }

    def attempt(self, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """A command and what became of it."""
        return subprocess.run(
            [*self._command, *words],
            cwd=self._folder,
            env=self._settings,
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def run(self, *words: str, typed: str = "") -> str:
        """A command that succeeds; what it printed."""
        done = self.attempt(*words, typed=typed)
        assert done.returncode == 0, f"{words}: {done.stdout[-1000:]} {done.stderr[-1000:]}"
        return done.stdout

    def balance(self) -> int:
        """What it holds, in the unit's smallest part."""
        found = re.search(r"Balance: \$?([\d.]+)", self.run("balance"))
        assert found is not None
        return int(found[1].replace(".", ""))

    def send(self, amount: str, *words: str) -> str:
        """A token over this amount, as the wallet writes amounts."""
        (token,) = re.findall(r"^cashuB\S+", self.run("send", amount, *words), re.MULTILINE)
        return str(token)

    def mnemonic(self) -> str:
        """Its recovery words."""
        *_, last = self.run("info", "--mnemonic").strip().splitlines()
        return last.strip(" -")


@pytest.fixture
def wallets(nutshell_programs: Path, mint: PracticeMint, tmp_path: Path) -> dict[str, NutshellWallet]:
    """Two people and a third one, each with an empty wallet."""
    return {name: NutshellWallet(nutshell_programs, mint.front, tmp_path, name) for name in ("ana", "ben", "carla")}


def test_a_nutshell_wallet_mints_sends_and_another_receives_once(wallets: dict[str, NutshellWallet]) -> None:
    ana, ben = wallets["ana"], wallets["ben"]
    ana.run("invoice", "100")
    assert ana.balance() == 100
    token = ana.send("21", "--dleq")
    assert ben.run("receive", token).startswith(("Received 21 sat", "Generated"))
    assert (ana.balance(), ben.balance()) == (79, 21)
    again = wallets["carla"].attempt("receive", token)
    assert again.returncode != 0
    assert "11001" in again.stderr


def test_a_nutshell_wallet_is_restored_from_its_words(wallets: dict[str, NutshellWallet]) -> None:
    ana, ben, carla = wallets["ana"], wallets["ben"], wallets["carla"]
    ana.run("invoice", "77")
    ben.run("receive", ana.send("10"))
    carla.run("restore", typed=ana.mnemonic() + "\n")
    assert carla.balance() == 67
    ben.run("receive", carla.send("60"))
    assert ben.balance() == 70


def test_a_nutshell_wallet_pays(wallets: dict[str, NutshellWallet]) -> None:
    ana = wallets["ana"]
    ana.run("invoice", "50")
    assert "Invoice paid" in ana.run("pay", write_invoice(30))
    assert ana.balance() == 20
    too_much = ana.attempt("pay", write_invoice(30))
    assert "balance" in (too_much.stdout + too_much.stderr).lower()
    assert ana.balance() == 20


@pytest.mark.parametrize("kind", ["P2PK", "P2PK-SIGALL"])
def test_what_is_locked_to_a_nutshell_wallet_is_received_by_it_alone(
    kind: str, wallets: dict[str, NutshellWallet]
) -> None:
    ana, ben = wallets["ana"], wallets["ben"]
    ana.run("invoice", "20")
    found = re.search(r"P2PK:(\w{66})", ben.run("lock", "p2pk"))
    assert found is not None
    token = ana.send("12", "--lock", f"{kind}:{found[1]}")
    assert wallets["carla"].attempt("receive", token).returncode != 0
    ben.run("receive", token)
    assert ben.balance() == 12


def test_a_nutshell_wallet_keeps_money_in_dollars(nutshell_programs: Path, mint: PracticeMint, tmp_path: Path) -> None:
    wallet = NutshellWallet(nutshell_programs, mint.front, tmp_path, "dora", unit="usd")
    wallet.run("invoice", "12.34")
    assert wallet.balance() == 1234
