"""The staff's words in five languages: catalogues (`locale/LANGUAGE/LC_MESSAGES/django.po`) that ride in the packages, made into
what gettext reads in the desk's folder when it starts. English is the source and has no catalogue.

The folder's name is the fingerprint of the catalogues, so an upgrade makes a new one and two processes never disturb each other.
"""

import hashlib
import secrets
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from io import BytesIO
from pathlib import Path

LANGUAGES = {"es": "Español", "en": "English", "fr": "Français", "ar": "العربية", "pt": "Português"}
# How many forms a plural has, and which of them is for a count.
PLURALS = {
    "es": (2, "n != 1"),
    "fr": (2, "n > 1"),
    "ar": (6, "n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 && n%100<=99 ? 4 : 5"),
    "pt": (2, "n != 1"),
}
TRANSLATED = tuple(PLURALS)
_PREFIX = "words-"
_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)


def catalogue(package: str, language: str) -> bytes:
    """The catalogue of a package as it stands in the package; nothing when it has none."""
    file = resources.files(package).joinpath("locale", language, "LC_MESSAGES", "django.po")
    return file.read_bytes() if file.is_file() else b""


def plural_forms(language: str) -> str:
    """The rule of a language's plurals, as gettext writes it."""
    count, rule = PLURALS[language]
    return f"nplurals={count}; plural=({rule});"


def compiled(folder: Path, packages: Sequence[str]) -> Path:
    """A folder for Django's LOCALE_PATHS with the joined catalogues of these packages; made on first use. What an earlier
    version left there is erased. Raises OSError when the folder cannot be written."""
    texts = {language: [catalogue(package, language) for package in packages] for language in TRANSLATED}
    print_ = hashlib.sha256(b"\0".join(text for language in TRANSLATED for text in texts[language])).hexdigest()[:16]
    place = folder / f"{_PREFIX}{print_}"
    if not place.is_dir():
        _make(place, texts)
        for old in folder.glob(f"{_PREFIX}*"):
            if old != place and not old.name.endswith(".draft"):
                shutil.rmtree(old, ignore_errors=True)
    return place


def joined(language: str, texts: Sequence[bytes]) -> bytes:
    """Catalogues in gettext's text form as one in its machine form; the same texts give the same bytes."""
    # Only a start after an upgrade comes here.
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    whole = Catalog(locale=language, creation_date=_NO_DATE, revision_date=_NO_DATE, fuzzy=False)
    whole.mime_headers = [("Plural-Forms", plural_forms(language))]
    for text in texts:
        for message in read_po(BytesIO(text), locale=language):
            if message.id:
                whole.add(message.id, message.string, context=message.context)
    made = BytesIO()
    write_mo(made, whole)
    return made.getvalue()


def _make(place: Path, texts: dict[str, list[bytes]]) -> None:
    draft = place.with_name(f"{place.name}.{secrets.token_hex(4)}.draft")
    for language, parts in texts.items():
        file = draft / language / "LC_MESSAGES" / "django.mo"
        file.parent.mkdir(parents=True)
        file.write_bytes(joined(language, parts))
    try:
        draft.rename(place)
    except OSError:  # another process made it meanwhile
        shutil.rmtree(draft)
        if not place.is_dir():
            raise
