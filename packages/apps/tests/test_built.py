"""The apps as files: the same bytes from the same sources, small enough for a cheap phone, inside wheel and sdist."""

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tools import phone_apps

from amparo_apps.config import AppName
from amparo_apps.files import built, content, whole_hash

APPS: tuple[AppName, ...] = ("wallet", "till")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_sources_give_the_same_bytes(apps: Path, tmp_path: Path) -> None:
    phone_apps.build(tmp_path)
    lying = {name: data for name, data in everything(apps).items() if name != "made-from"}
    assert everything(tmp_path) == lying


@pytest.mark.usefixtures("apps")
@pytest.mark.parametrize("app", APPS)
def test_every_file_has_the_hash_that_the_list_says(app: AppName) -> None:
    found = built(app)
    assert found.app == app
    assert whole_hash({each.path: each.sha256 for each in found.files}) == found.hash
    for each in found.files:
        data = content(app, each.path)
        assert data is not None
        assert each.sha256 == hashlib.sha256(data).hexdigest()
        assert each.bytes == len(data)


@pytest.mark.usefixtures("apps")
@pytest.mark.parametrize(("app", "most"), [("wallet", 30 * 1024), ("till", 18 * 1024)])
def test_the_first_screen_is_small_and_the_wallets_shows_the_balance_already(app: AppName, most: int) -> None:
    first = [each for each in built(app).files if each.when == "screen" and each.path.endswith(".js")]
    assert sum(each.gz for each in first) <= most
    shown = b"".join(content(app, each.path) or b"" for each in first)
    assert (b"Your aid" in shown) == (app == "wallet")


@pytest.mark.usefixtures("apps")
@pytest.mark.parametrize("app", APPS)
def test_errors_are_shipped_as_codes_without_their_sentences_for_developers(app: AppName) -> None:
    scripts = b"".join(content(app, each.path) or b"" for each in built(app).files if each.path.endswith(".js"))
    source = (phone_apps.WEB / "purse" / "src" / "vault.ts").read_text()
    assert 'fail("vault.damaged", "There are records and nothing that leads to them.")' in source
    assert b"vault.damaged" in scripts
    assert b"There are records" not in scripts


@pytest.mark.usefixtures("apps")
@pytest.mark.parametrize("app", APPS)
def test_no_file_names_another_address(app: AppName) -> None:
    """Nothing is fetched from elsewhere, also not by a library that would like to."""
    for each in built(app).files:
        if each.path.endswith((".js", ".css")) or each.path == "/":
            text = (content(app, each.path) or b"").decode()
            assert "jsdelivr" not in text or "locateFile" in text, each.path


def test_wheel_and_sdist_bring_the_apps_along(apps: Path, tmp_path: Path) -> None:
    package = apps.parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)],
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,), (sdist,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    with tarfile.open(sdist) as source:
        sources = source.getnames()
    for app in APPS:
        assert f"amparo_apps/built/{app}/index.html" in names
        assert any(name.endswith(f"src/amparo_apps/built/{app}/worker.js") for name in sources)
