"""What the phone apps read aloud is recorded as it stands on the screens, in every language, each in a file that plays."""

import json
import shutil
from pathlib import Path

import pytest
from tests.tidy.tree import ROOT, listed
from tools import voices


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A copy of what the recordings are made of."""
    shutil.copytree(ROOT / "web" / "voices", tmp_path / "web" / "voices")
    for path in sorted(ROOT.glob("web/*/src/**/*.tsx")):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for path in sorted(ROOT.glob("packages/*/src/*/locale/*/LC_MESSAGES/*.po")):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path


def test_every_sentence_is_recorded_as_it_stands_on_the_screen() -> None:
    faults = voices.faults()
    assert not faults, f"Run python -m tools.voices record.\n{listed(faults)}"
    assert len(voices.prompts()) > 30


def test_a_sentence_that_is_new_or_worded_anew_or_gone_is_seen(planted: Path) -> None:
    assert voices.faults(planted) == []
    screen = planted / "web" / "till" / "src" / "day.tsx"
    screen.write_text(screen.read_text().replace("The sums of this day.", "Other words."))
    (planted / "web" / "voices" / "ar" / f"{voices.name_of('Type your PIN.')}.opus").unlink()
    listed_in_spanish = planted / "web" / "voices" / "es" / "recorded.json"
    told = json.loads(listed_in_spanish.read_text())
    told["Type your PIN."]["said"] = "Algo distinto."
    listed_in_spanish.write_text(json.dumps(told))
    faults = voices.faults(planted)
    assert "en: not recorded as it stands on the screen: Other words." in faults
    assert "en: no screen says The sums of this day." in faults
    assert "ar: the recording is not there: Type your PIN." in faults
    assert "es: not recorded as it stands on the screen: Type your PIN." in faults


def test_two_sentences_that_would_share_a_recording_are_seen(planted: Path) -> None:
    screen = planted / "web" / "till" / "src" / "day.tsx"
    screen.write_text(screen.read_text() + "".join(f'say={{_("These six words are the same {n}")}}\n' for n in "12"))
    faults = voices.faults(planted)
    assert "two sentences begin with the same six words, these-six-words-are-the-same: word one anew" in faults


def test_what_cannot_be_recorded_is_refused(planted: Path) -> None:
    screen = planted / "web" / "till" / "src" / "day.tsx"
    screen.write_text(screen.read_text().replace('say={_("The sums of this day.")}', "say={sentence}"))
    with pytest.raises(ValueError, match="write what a screen says as"):
        voices.prompts(planted)


@pytest.mark.parametrize("language", voices.LANGUAGES)
def test_every_recording_is_ogg_opus_and_stands_in_the_apps_file(language: str) -> None:
    whole = voices.pack(language, "kit", "wallet")
    end = 4 + int.from_bytes(whole[:4])
    head = json.loads(whole[4:end])
    assert set(head) == {voices.shown(text, language) for text in voices.prompts(ROOT, "kit", "wallet")}
    for start, length in head.values():
        sound = whole[end + start : end + start + length]
        assert (sound[:4], sound[28:36]) == (b"OggS", b"OpusHead")
        assert 1_000 < length < 20_000


def test_arabic_is_compared_without_the_marks_of_its_vowels() -> None:
    assert voices.without_vowels("يُرْجَى كِتَابَةُ السِّعْرِ") == voices.without_vowels("يُرجى كتابة السعر")
    assert voices.without_vowels("السعر") != voices.without_vowels("الرمز")
