"""Words in five languages, from gettext catalogues (`locale/LANGUAGE.po`); English is the source.

LIMIT: cards and vouchers keep their few words in code of their own packages, because those print without this one.
"""

import functools
import os
from collections.abc import Callable
from importlib import resources

from babel.messages.pofile import read_po

LANGUAGES = {"es": "Español", "en": "English", "fr": "Français", "ar": "العربية", "pt": "Português"}
RIGHT_TO_LEFT = frozenset({"ar"})

Words = Callable[[str], str]


@functools.cache
def _catalogue(language: str) -> dict[str, str]:
    if language == "en":
        return {}
    with resources.files(__package__).joinpath("locale", f"{language}.po").open("rb") as file:
        return {str(each.id): str(each.string) for each in read_po(file) if each.id and each.string}


def words(language: str) -> Words:
    """The translator into a language: an English text in, its translation out (English where there is none)."""
    catalogue = _catalogue(language if language in LANGUAGES else "en")
    return lambda text: catalogue.get(text, text)


def language_of_terminal() -> str:
    """The language that commands speak: AMPARO_LANGUAGE, or what the terminal is set to; English where there is none of
    ours."""
    for name in ("AMPARO_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if chosen := os.environ.get(name, "")[:2].lower():
            return chosen if chosen in LANGUAGES else "en"
    return "en"


def direction(language: str) -> str:
    """The writing direction, as HTML names it."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"
