"""Records what the phone apps read aloud: `python -m tools.voices [record|check]`.

What a screen says (`say={_("...")}` in `web/`) lies as one short recording for each language in `web/voices/LANGUAGE/`, beside a
list of what was said. `record` makes what is missing or was worded anew, by a machine (Debian's espeak-ng and opus-tools); a
person's recording of the same sentence may take its place. Arabic is read from a text with its vowels (`web/voices/vowels.json`),
because a machine reads it wrongly without. The apps are built from the recordings; nobody needs a voice machine for that.
"""

import argparse
import collections
import functools
import json
import re
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

from tools import words

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("en", *words.LANGUAGES)
_MACHINES = {"en": "en-us", "es": "es-419", "fr": "fr-fr", "ar": "ar", "pt": "pt-br"}
_WORDS_A_MINUTE = "140"
_BITS = "10"
# What a screen says is one text, or one of two: `say={_("...")}`, `say={which ? _("...") : _("...")}`.
_SAY = re.compile(r"\bsay=(\{[^}]*\}|\S)")
_TEXT = r'_\(("(?:[^"\\]|\\.)*")\)'
_SHAPE = re.compile(rf"\{{(?:[\w.]+ \? {_TEXT} : )?{_TEXT}\}}")


def prompts(root: Path = ROOT, *packages: str) -> list[str]:
    """Every sentence that a screen of these packages of `web/` (or of all) reads aloud, in English, sorted. Raises ValueError for
    one that is not written as one literal: it could not be recorded."""
    found: set[str] = set()
    for path in sorted(root.glob("web/*/src/**/*.tsx")):
        if packages and path.relative_to(root / "web").parts[0] not in packages:
            continue
        for written in _SAY.findall(path.read_text(encoding="utf-8")):
            shape = _SHAPE.fullmatch(written)
            if shape is None:
                raise ValueError(f'{path}: write what a screen says as say={{_("...")}}, not {written}')
            found |= {json.loads(text) for text in shape.groups() if text}
    return sorted(found)


@functools.cache
def _translations(language: str, root: Path) -> words.Translations:
    return words.read_all(root, language)


def shown(text: str, language: str, root: Path = ROOT) -> str:
    """The sentence as the screen shows it; "" when it has no translation."""
    return text if language == "en" else _translations(language, root).get(words.Text(text), ("",))[0]


def without_vowels(text: str) -> str:
    """Arabic as it is commonly written: without the marks of short vowels."""
    return "".join(each for each in unicodedata.normalize("NFC", text) if unicodedata.category(each) != "Mn")


def name_of(text: str) -> str:
    """The file of a sentence: its first words, in English."""
    return "-".join(re.findall(r"[a-z]+", text.lower())[:6])


def listed(root: Path, language: str) -> dict[str, dict[str, str]]:
    """What was recorded: English sentence -> what was `said`, and `by` whom (machine or person)."""
    page = root / "web" / "voices" / language / "recorded.json"
    return json.loads(page.read_text(encoding="utf-8")) if page.exists() else {}


def faults(root: Path = ROOT) -> list[str]:
    """Sentences without a recording of today's words, and recordings that no screen wants."""
    names = collections.Counter(map(name_of, prompts(root)))
    found = [f"two sentences begin with the same six words, {name}: word one anew" for name in names if names[name] > 1]
    for language in LANGUAGES:
        done, folder = listed(root, language), root / "web" / "voices" / language
        for text in prompts(root):
            said = done.get(text, {}).get("said", "")
            if without_vowels(said) != without_vowels(shown(text, language, root)):
                found.append(f"{language}: not recorded as it stands on the screen: {text}")
            elif not (folder / f"{name_of(text)}.opus").is_file():
                found.append(f"{language}: the recording is not there: {text}")
        files = {path.stem for path in folder.glob("*.opus")}
        wanted = {name_of(text) for text in prompts(root)}
        found += [f"{language}: no screen says {name}" for name in sorted(files - wanted)]
        found += [f"{language}: no screen says {text}" for text in sorted(set(done) - set(prompts(root)))]
    return found


def record(root: Path = ROOT) -> int:
    """Record what is missing or worded anew, drop what no screen says; returns how many were made."""
    made = 0
    vowels = json.loads((root / "web" / "voices" / "vowels.json").read_text(encoding="utf-8"))
    for language in LANGUAGES:
        folder, done = root / "web" / "voices" / language, listed(root, language)
        folder.mkdir(exist_ok=True)
        for text in prompts(root):
            now, path = shown(text, language, root), folder / f"{name_of(text)}.opus"
            if path.exists() and without_vowels(done.get(text, {}).get("said", "")) == without_vowels(now):
                continue
            said = next((each for each in vowels if without_vowels(each) == without_vowels(now)), now)
            _say(said, language, path)
            done[text] = {"said": said, "by": "machine"}
            made += 1
        for path in folder.glob("*.opus"):
            if path.stem not in {name_of(text) for text in prompts(root)}:
                path.unlink()
        kept = {text: done[text] for text in prompts(root)}
        (folder / "recorded.json").write_text(f"{json.dumps(kept, ensure_ascii=False, indent=1)}\n", encoding="utf-8")
    return made


def _say(text: str, language: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wave = f"{folder}/said.wav"
        spoken = re.sub(r"[«»“”]", "", text)
        subprocess.run(["espeak-ng", "-v", _MACHINES[language], "-s", _WORDS_A_MINUTE, "-w", wave, spoken], check=True)
        # One serial number, no comments: the same sentence gives the same bytes.
        quiet = ["opusenc", "--quiet", "--serial", "1", "--discard-comments", "--discard-pictures"]
        subprocess.run([*quiet, "--speech", "--bitrate", _BITS, "--framesize", "60", wave, str(path)], check=True)


def pack(language: str, *packages: str, root: Path = ROOT) -> bytes:
    """One file with all that an app says in a language: four bytes with the length of the head (big end first), the head as JSON
    (sentence as it is shown -> its first byte and its length, counted from the end of the head), then the recordings (Ogg Opus)."""
    head: dict[str, list[int]] = {}
    body = b""
    for text in prompts(root, *packages):
        sound = (root / "web" / "voices" / language / f"{name_of(text)}.opus").read_bytes()
        head[shown(text, language, root)] = [len(body), len(sound)]
        body += sound
    table = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return len(table).to_bytes(4) + table + body


def main() -> int:
    """Record, or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("record", "check"), nargs="?", default="check")
    if parser.parse_args().what == "record":
        print(f"{record()} recordings were made.")
    found = faults()
    print("\n".join(found) or "Every sentence is recorded as it stands on the screen.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
