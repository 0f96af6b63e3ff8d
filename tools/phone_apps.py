"""Builds the phone apps from `web/` into `packages/apps`: `python -m tools.phone_apps [--again]`.

Does nothing when what lies there was built from the same sources. Needs a network on the first run: node and a few npm packages,
each held by its hash. The words come from the gettext catalogues that the staff's pages use too.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.environments import ROOT, CannotMake, node

WEB = ROOT / "web"
PACKAGE = ROOT / "packages" / "apps" / "src" / "amparo_apps"
BUILT = PACKAGE / "built"
APPS = ("wallet", "till")


def sources() -> Iterator[Path]:
    """Every file that the apps are made of."""
    for pattern in (
        "*.json",
        "*.mjs",
        "*.txt",
        ".npmrc",
        "*/package.json",
        "*/src/**/*",
        "*/design/*",
        "*/static/*",
        "voices/*/*",
    ):
        yield from (each for each in sorted(WEB.glob(pattern)) if each.is_file())
    yield from sorted((ROOT / "packages").glob("*/src/*/locale/*/LC_MESSAGES/*.po"))


def fingerprint() -> str:
    """What the apps would be built from."""
    whole = hashlib.sha256()
    for path in sources():
        whole.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def write_words(folder: Path) -> None:
    """For each app and language the list of what the app says, and one file of what it reads aloud."""
    # Here, because what is built already needs no catalogues: a wheel is made where their reader is not installed.
    from tools import voices, words

    for app in APPS:
        (folder / app).mkdir(exist_ok=True)
        said = words.on_phones(ROOT, "kit", app)
        for language in ("en", *words.LANGUAGES):
            shown = words.in_order(said, language, ROOT)
            whole = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
            (folder / app / f"{language}.json").write_text(whole, encoding="utf-8")
            (folder / app / f"{language}.voice").write_bytes(voices.pack(language, "kit", app))


def build(out: Path) -> str:
    """Build both apps into `out`; returns a line of figures for each. Raises `CannotMake`."""
    found = node()
    found.install(WEB)
    with tempfile.TemporaryDirectory() as tables:
        write_words(Path(tables))
        done = subprocess.run(
            [str(found.program), str(WEB / "build.mjs"), str(out), tables],
            cwd=WEB,
            env=found.surroundings(),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise CannotMake(done.stderr.strip()[-2000:])
    return done.stdout


def main() -> int:
    """Build what is missing or old."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", action="store_true", help="build even if nothing changed")
    marker, wanted = BUILT / "made-from", fingerprint()
    if not parser.parse_args().again and marker.exists() and marker.read_text() == wanted:
        return 0
    try:
        figures = build(BUILT)
    except CannotMake as error:
        sys.stderr.write(f"The phone apps cannot be built: {error}\n")
        return 1
    marker.write_text(wanted)
    sys.stderr.write(figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
