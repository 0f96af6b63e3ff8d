"""The phone apps' own checks: types, the tests of purse, wallet and till in node, and the walls between the packages of `web/`.

The slow ones, in which a phone dies before and after every step, are `tests/faults/test_phones_die.py`.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest
from tools import environments
from tools.environments import ROOT

WEB = ROOT / "web"
PATIENCE_SECONDS = 400
# What each package may import, and nothing else (web/README.md).
MAY_IMPORT = {
    "cashu": {"@noble/hashes", "@noble/secp256k1"},
    "rules": {"@amparo/cashu", "@noble/hashes"},
    "log": {"@amparo/cashu", "@amparo/rules", "@noble/ed25519", "@noble/hashes"},
    "purse": {"@amparo/cashu", "@amparo/log", "@noble/hashes"},
    "kit": {"@amparo/cashu", "lean-qr", "preact", "zxing-wasm"},
    "wallet": {"@amparo/cashu", "@amparo/log", "@amparo/rules", "@amparo/purse", "@amparo/kit", "preact"},
    "till": {"@amparo/cashu", "@amparo/log", "@amparo/purse", "@amparo/kit", "preact"},
}
_IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["']([^"'\n]+)["']""")


def breaches(web: Path) -> list[str]:
    """Imports in the sources of `web/` that cross a wall. The kit takes from the protocol how bytes become codes, and no coin."""
    found = []
    for package, allowed in MAY_IMPORT.items():
        for path in sorted((web / package / "src").rglob("*.ts*")):
            for name in _IMPORT.findall(path.read_text(encoding="utf-8")):
                parts = name.split("/")
                module = "/".join(parts[: 2 if name.startswith("@") else 1])
                inside = name.startswith(("./", "../")) and ".." not in parts[1:]
                coding = name == "@amparo/cashu/nut16_ur.ts"
                if inside and not name.startswith("../"):
                    continue
                if module not in allowed or (package == "kit" and module == "@amparo/cashu" and not coding):
                    found.append(f"{path.relative_to(web)} imports {name}")
    return found


def test_no_package_of_the_apps_reaches_over_its_wall() -> None:
    assert not breaches(WEB)


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("till", 'import { check } from "@amparo/rules/receipt.ts";'),
        ("kit", 'import { hashToCurve } from "@amparo/cashu/curve.ts";'),
        ("cashu", 'const late = await import("@amparo/purse/purse.ts");'),
        ("wallet", 'import { Till } from "../../till/src/till.ts";'),
        ("log", 'import "left-pad";'),
    ],
)
def test_a_breach_is_seen(tmp_path: Path, package: str, line: str) -> None:
    place = tmp_path / package / "src"
    place.mkdir(parents=True)
    (place / "leak.ts").write_text(line)
    assert len(breaches(tmp_path)) == 1


def test_every_package_declares_what_it_may_import() -> None:
    for package, allowed in MAY_IMPORT.items():
        assert set(json.loads((WEB / package / "package.json").read_text())["dependencies"]) == allowed, package


def test_the_types_hold(node: Path) -> None:
    environments.node().install(WEB)
    command = [str(node), str(WEB / "node_modules" / "typescript" / "bin" / "tsc"), "--noEmit"]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("package", ["purse", "wallet", "till"])
def test_the_apps_own_tests_pass(package: str, node: Path) -> None:
    environments.node().install(WEB)
    files = sorted(str(path) for path in (WEB / package / "tests").glob("*.test.ts") if "crash" not in path.name)
    done = subprocess.run(
        [str(node), "--test", *files], cwd=WEB, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_glyphs_are_the_same_on_phones_and_at_the_desk() -> None:
    desk = (ROOT / "packages/staff/src/amparo_staff/layout/static/layout/icons.svg").read_text()
    at_desk = dict(re.findall(r'<symbol id="([a-z-]+)"[^>]*><path d="([^"]+)"', desk))
    on_phones = dict(re.findall(r'^  "?([a-z-]+)"?: "([^"]+)",$', (WEB / "kit/src/icons.ts").read_text(), re.MULTILINE))
    both = set(at_desk) & set(on_phones)
    assert len(both) >= 20
    assert {name: at_desk[name] for name in both} == {name: on_phones[name] for name in both}


def test_colours_are_the_same_on_phones_and_at_the_desk() -> None:
    tokens = json.loads((WEB / "kit/design/tokens.json").read_text())["colour"]
    sheet = (ROOT / "packages/staff/src/amparo_staff/layout/static/layout/amparo.css").read_text()
    light, dark = sheet.split("@media (prefers-color-scheme: dark)", 1)
    for name, (by_day, by_night) in tokens.items():
        shown = re.search(rf"--{name}: (#[0-9a-f]+)", light)
        assert shown, name
        assert _long(shown[1]) == by_day, name
        at_night = re.search(rf"--{name}: (#[0-9a-f]+)", dark.split("}", 2)[0])
        assert _long(at_night[1] if at_night else shown[1]) == by_night, name


def _long(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(2 * sign for sign in colour[1:])
