"""Keeps the translations of the staff's pages and of the phone apps whole: `packages/{staff,office,apps}/.../locale/LANGUAGE/
LC_MESSAGES/django.po`. A text that several say stands once, in the first of them.

    python tools/words.py check            what is missing or wrong, in words; exit code 1 when anything is
    python tools/words.py missing          what lacks a translation, as a table to fill in (columns msgid es fr ar pt)
    python tools/words.py add FILE.tsv     takes in a filled table; several may run at once
    python tools/words.py tidy             drops what no page says any more

Texts are found in templates (translate, blocktranslate, _("...")), in Python (gettext, ngettext, pgettext and their lazy forms,
also as _), and in errors: the literal first words of a `raise`, and the literal `why` and `todo` of each class that is named.
In the phone apps (`web/`): _("...") and ngettext.
In a table the forms of a plural stand in one cell, between `|||`: two in the msgid (singular|||plural), as many as the language
has in the others (es fr pt: two, ar: six). A msgid with a context is written `context^^^msgid`. `\\n` is a line's end.
"""

import argparse
import ast
import csv
import fcntl
import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

from amparo_staff.layout.words import PLURALS, plural_forms

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("es", "fr", "ar", "pt")
# Package -> the folders of it whose words staff read, the lower package first: it keeps what both say.
SPOKEN = {
    "staff": ("",),
    "office": ("desk", "register", "intake", "duplicates", "packets"),
    "apps": (),
}
WEB = "web/*/src/**/*.ts*"
PLURAL, CONTEXT = "|||", "^^^"
_WEB_CALL = re.compile(r"(?<![\w.])(?:_|ngettext)\(\s*[\"'`]")
_CALL = re.compile(r"\b(?:n|p|np)?gettext(?=\()|(?<!\w)_(?=\()")
_NAMES = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop", "_"), (0,)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (-1, 1)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (-1, 1, 2)),
}
_HOLE = re.compile(r"%(?:\((\w+)\))?[-#0 +]*[\d.]*[sdif]|\{(\w*)\}")


@dataclass(frozen=True, order=True)
class Text:
    """A text as gettext knows it; `plural` and `context` are "" when there is none."""

    singular: str
    plural: str = ""
    context: str = ""

    @property
    def shown(self) -> str:
        """As it stands in a table."""
        context = f"{self.context}{CONTEXT}" if self.context else ""
        return _cell(context + (f"{self.singular}{PLURAL}{self.plural}" if self.plural else self.singular))


Translations = dict[Text, tuple[str, ...]]


# --- what the pages say --------------------------------------------------------------------------------------------------


def spoken(root: Path) -> dict[Text, str]:
    """Every text that staff may read -> the package that keeps it."""
    found: dict[Text, str] = {}
    for package, parts in SPOKEN.items():
        source = root / "packages" / package / "src" / f"amparo_{package}"
        files = [path for part in parts for path in _files(source / part)]
        for text in {text for path in files for text in said(path)} | _of_errors(source / "errors.py", files):
            found.setdefault(text, package)
    for text in on_phones(root):
        found.setdefault(text, "apps")
    return found


def on_phones(root: Path, *packages: str) -> set[Text]:
    """Every text that the phone apps say, or that some packages of `web/` do."""
    files = sorted(root.glob(WEB))
    mine = [path for path in files if not packages or path.relative_to(root / "web").parts[0] in packages]
    return {text for path in mine for text in said_in_web(path)}


def said_in_web(path: Path) -> Iterator[Text]:
    """The texts of one TypeScript file. Raises ValueError for a text that the extractor does not see."""
    source = path.read_bytes()
    seen = 0
    options = {"jsx": "True", "parse_template_string": "True"}
    keywords: dict[str, tuple[int, ...] | None] = {"_": None, "ngettext": (1, 2)}
    for _line, words, _comments, _context in extract("javascript", io.BytesIO(source), keywords, (), options):
        ids = (words, "") if isinstance(words, str) else tuple(words)
        seen += 1
        yield Text(str(ids[0]), str(ids[1]))
    calls = len(_WEB_CALL.findall(source.decode()))
    if seen != calls:
        raise ValueError(f"{path}: {calls} texts stand here and {seen} are found; write each as one literal")


def said(path: Path) -> set[Text]:
    """The texts of one file."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return set(_said_in_python(ast.parse(source)))
    made = templatize(source, origin=str(path))
    return {text for match in _CALL.finditer(made) if (text := _call_at(made, match.start()))}


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    found = [*place.rglob("*.py"), *place.rglob("templates/**/*.html"), *place.rglob("templates/**/*.txt")]
    return sorted(path for path in found if "migrations" not in path.parts)


def _call_at(text: str, start: int) -> Text | None:
    end = text.find(")", start)
    while end != -1:
        try:
            call = ast.parse(text[start : end + 1], mode="eval").body
        except SyntaxError:
            end = text.find(")", end + 1)
            continue
        return _of_call(call) if isinstance(call, ast.Call) else None
    return None


def _said_in_python(tree: ast.Module) -> Iterator[Text]:
    for node in ast.walk(tree):
        match node:
            case ast.Call() if text := _of_call(node):
                yield text
            case ast.Raise(exc=ast.Call(func=ast.Name(), args=[ast.Constant(value=str(what)), *_])) if " " in what:
                yield Text(what)


def _of_call(call: ast.Call) -> Text | None:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _NAMES:
            places = _NAMES[name]
        case _:
            return None
    words = [each.value if isinstance(each, ast.Constant) else None for each in call.args]
    if not words or not isinstance(words[0], str):
        return None
    if places[0] == 0:
        plural = words[1] if len(places) == 2 and len(words) > 1 else ""
        return Text(words[0], str(plural or ""))
    return Text(str(words[1]), str(words[2]) if len(places) == 3 else "", words[0])


def _of_errors(errors: Path, files: list[Path]) -> set[Text]:
    """Why and what to do, of each error of the package that these files name."""
    if not errors.exists():
        return set()
    named = {word for path in files if path.suffix == ".py" for word in re.findall(r"\w+", path.read_text("utf-8"))}
    found = set()
    for each in ast.parse(errors.read_text(encoding="utf-8")).body:
        if isinstance(each, ast.ClassDef) and each.name in named:
            for line in each.body:
                match line:
                    case ast.Assign(targets=[ast.Name(id="why" | "todo")], value=ast.Constant(value=str(words))) if (
                        words
                    ):
                        found.add(Text(words))
    return found


# --- the catalogues ------------------------------------------------------------------------------------------------------


def catalogue(root: Path, package: str, language: str) -> Path:
    """The file of a package's translations into a language."""
    return root / "packages" / package / "src" / f"amparo_{package}" / "locale" / language / "LC_MESSAGES" / "django.po"


def read(path: Path, language: str) -> Translations:
    """What a catalogue holds."""
    if not path.exists():
        return {}
    found: Translations = {}
    with path.open("rb") as file:
        for message in read_po(file, locale=language):
            if message.id:
                ids = message.id if isinstance(message.id, tuple) else (message.id, "")
                words = message.string if isinstance(message.string, tuple) else (message.string,)
                found[Text(str(ids[0]), str(ids[1]), message.context or "")] = tuple(str(word) for word in words)
    return found


def read_all(root: Path, language: str) -> Translations:
    """What the catalogues of all packages hold."""
    found: Translations = {}
    for package in SPOKEN:
        found |= read(catalogue(root, package, language), language)
    return found


def table(texts: Iterable[Text], language: str, root: Path) -> dict[str, str | list[str]]:
    """What the pages of tests look words up in: each English text that has a translation to that, or to the list of its forms."""
    known = read_all(root, language)
    chosen = sorted(set(texts) & set(known), key=lambda text: text.singular)
    return {text.singular: list(known[text]) if text.plural else known[text][0] for text in chosen}


def in_order(texts: Iterable[Text], language: str, root: Path) -> list[str | list[str]]:
    """What a built phone app shows, each text at the place that its scripts name: the texts sorted, a plural as the list of its
    forms; in English where the translation is missing."""
    known = {} if language == "en" else read_all(root, language)
    forms = 2 if language == "en" else PLURALS[language][0]
    found: list[str | list[str]] = []
    for text in sorted(set(texts)):
        words = known.get(text, ())
        if text.plural:
            english = [text.singular, text.plural] if language == "en" else [text.plural] * forms
            found.append(list(words) if len(words) == forms and all(words) else english)
        else:
            found.append("".join(words) or text.singular)
    return found


def write(path: Path, language: str, texts: Translations) -> None:
    """Write a catalogue, sorted, without dates or places, so that two people's additions merge."""
    lines = [
        'msgid ""',
        'msgstr ""',
        _quoted(f"Language: {language}\n"),
        _quoted("MIME-Version: 1.0\n"),
        _quoted("Content-Type: text/plain; charset=utf-8\n"),
        _quoted("Content-Transfer-Encoding: 8bit\n"),
        _quoted(f"Plural-Forms: {plural_forms(language)}\n"),
    ]
    for text in sorted(texts):
        lines += ["", *_entry(text, texts[text])]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(path)


def _entry(text: Text, words: tuple[str, ...]) -> Iterator[str]:
    if text.context:
        yield f"msgctxt {_quoted(text.context)}"
    yield f"msgid {_quoted(text.singular)}"
    if not text.plural:
        yield f"msgstr {_quoted(words[0])}"
        return
    yield f"msgid_plural {_quoted(text.plural)}"
    for number, word in enumerate(words):
        yield f"msgstr[{number}] {_quoted(word)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


# --- what is wrong -------------------------------------------------------------------------------------------------------


def faults(root: Path) -> list[str]:
    """Every text that lacks a translation, or whose translation has other holes to fill, or that nobody says any more."""
    wanted, found = spoken(root), []
    for language in LANGUAGES:
        for package in SPOKEN:
            kept = read(catalogue(root, package, language), language)
            mine = {text for text, owner in wanted.items() if owner == package}
            found += [f"{language}: missing: {text.shown}" for text in sorted(mine - set(kept))]
            found += [f"{language}: nobody says: {text.shown}" for text in sorted(set(kept) - mine)]
            found += [
                f"{language}: {fault}: {text.shown}" for text in sorted(kept) for fault in _wrong(text, kept, language)
            ]
    return found


def _wrong(text: Text, kept: Translations, language: str) -> Iterator[str]:
    words = kept[text]
    forms = PLURALS[language][0] if text.plural else 1
    if len(words) != forms or not all(words):
        yield f"{forms} forms are needed"
    wanted = holes(text.plural or text.singular)
    for number, word in enumerate(words):
        # The form for one or none may say it in words.
        few = bool(text.plural) and number < (3 if language == "ar" else 1)
        if holes(word) != wanted and not (few and holes(word) <= wanted):
            yield "other placeholders"


def holes(text: str) -> frozenset[str]:
    """The placeholders of a text."""
    return frozenset(match[0] for match in _HOLE.finditer(text.replace("%%", "")))


def missing(root: Path) -> list[Text]:
    """What lacks a translation in some language."""
    wanted = spoken(root)
    kept = {
        (package, language): read(catalogue(root, package, language), language)
        for package in SPOKEN
        for language in LANGUAGES
    }
    return sorted(
        text for text, owner in wanted.items() if any(text not in kept[owner, language] for language in LANGUAGES)
    )


# --- taking in -----------------------------------------------------------------------------------------------------------


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def _uncell(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text)


def parse_table(content: str) -> dict[Text, dict[str, tuple[str, ...]]]:
    """A filled table: text -> language -> its forms. Raises ValueError with the line."""
    rows = csv.DictReader(io.StringIO(content), delimiter="\t", quoting=csv.QUOTE_NONE)
    if set(rows.fieldnames or []) < {"msgid", *LANGUAGES}:
        raise ValueError(f"the first line must name the columns msgid {' '.join(LANGUAGES)}, with tabs between them")
    table: dict[Text, dict[str, tuple[str, ...]]] = {}
    for row in rows:
        cells = {name: _uncell((row[name] or "").strip(" ")) for name in ("msgid", *LANGUAGES)}
        context, _, ids = cells["msgid"].rpartition(CONTEXT)
        singular, _, plural = ids.partition(PLURAL)
        text = Text(singular, plural, context)
        table[text] = {language: tuple(cells[language].split(PLURAL)) for language in LANGUAGES if cells[language]}
        for language in table[text]:
            for fault in _wrong(text, {text: table[text][language]}, language):
                raise ValueError(f"line {rows.line_num}, {language}: {fault}: {text.shown}")
    return table


def add(root: Path, content: str) -> int:
    """Take in a table. What a package says goes to its catalogue, what nobody says yet to the office's. How many rows."""
    table = parse_table(content)
    with _alone(root):
        owners = spoken(root)
        for package in SPOKEN:
            for language in LANGUAGES:
                path = catalogue(root, package, language)
                kept = read(path, language)
                new = {
                    text: words[language]
                    for text, words in table.items()
                    if language in words and owners.get(text, "office") == package
                }
                if new:
                    write(path, language, kept | new)
    return len(table)


def tidy(root: Path) -> None:
    """Drop what nobody says; move what changed its owner."""
    with _alone(root):
        owners = spoken(root)
        for language in LANGUAGES:
            every: Translations = {}
            for package in SPOKEN:
                every |= read(catalogue(root, package, language), language)
            for package in SPOKEN:
                mine = {text: words for text, words in every.items() if owners.get(text) == package}
                write(catalogue(root, package, language), language, mine)


class _alone:  # noqa: N801 - used as a function
    """Waits until no other run of this tool writes."""

    def __init__(self, root: Path) -> None:
        self._path = root / "tools" / "words.py"

    def __enter__(self) -> None:
        self._file = os.open(self._path, os.O_RDONLY)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    deeds = parser.add_subparsers(dest="deed", required=True)
    for name in ("check", "missing", "tidy"):
        deeds.add_parser(name)
    deeds.add_parser("add").add_argument("file", type=Path)
    given = parser.parse_args()
    match given.deed:
        case "check":
            found = faults(ROOT)
            print(*found, sep="\n")
            raise SystemExit(bool(found))
        case "missing":
            print("msgid", *LANGUAGES, sep="\t")
            for text in missing(ROOT):
                print(text.shown, *("" for _ in LANGUAGES), sep="\t")
        case "add":
            try:
                print(f"{add(ROOT, given.file.read_text(encoding='utf-8'))} rows taken in")
            except ValueError as error:
                raise SystemExit(f"nothing was taken in: {error}") from error
        case "tidy":
            tidy(ROOT)


if __name__ == "__main__":
    main()
