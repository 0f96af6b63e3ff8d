"""The pages in Debian's Chromium: no accessibility fault by axe's rules, in five languages, light and dark, phone and desk.

Needs `chromium` (Debian's package) and node; the judge's two npm packages are installed once from their lock file.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Town

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium, with the judge's packages installed beside this file."""
    found, npm = shutil.which("chromium"), shutil.which("npm")
    if found is None or npm is None:
        pytest.skip("Debian's chromium and node are needed to judge pages: apt install chromium nodejs npm")
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        result = subprocess.run([npm, "ci", "--ignore-scripts"], cwd=HERE, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            pytest.skip("the judge's npm packages cannot be installed without a network")
    return found


def judge(chromium: str, *pages: Path) -> list[dict[str, Any]]:
    """What the judge says of each page, in light and dark, on a phone and on a desk."""
    command = ["node", str(HERE / "judge.mjs"), chromium, *(str(page) for page in pages)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def faults(verdicts: list[dict[str, Any]]) -> list[str]:
    """Every fault, in words."""
    found = []
    for each in verdicts:
        where = f"{Path(each['page']).name} {each['colorScheme']} {each['width']}"
        found += [f"{where}: {violation['id']} {violation['targets']}" for violation in each["violations"]]
        if each["scrollWidth"] > each["width"]:
            found.append(f"{where}: wider than the screen ({each['scrollWidth']})")
        if each["requests"] != 1:
            found.append(f"{where}: asked for {each['requests']} resources")
    return found


def test_the_audit_page_has_no_fault_in_any_language(town: Town, chromium: str) -> None:
    pages = sorted(town.papers.glob("audit-*.html"))
    assert len(pages) == 5
    verdicts = judge(chromium, *pages)
    assert len(verdicts) == 20
    assert not faults(verdicts), "\n".join(faults(verdicts))


def test_a_faulty_page_is_seen(chromium: str, tmp_path: Path) -> None:
    page = tmp_path / "faulty.html"
    page.write_text(
        "<!doctype html><html><body><p style='color:#ccc;background:#fff;width:2000px'>faint</p>"
        "<img src='https://elsewhere.invalid/x.png'></body></html>"
    )
    found = " ".join(faults(judge(chromium, page)))
    for fault in ("color-contrast", "image-alt", "html-has-lang", "wider than the screen", "asked for 2 resources"):
        assert fault in found
