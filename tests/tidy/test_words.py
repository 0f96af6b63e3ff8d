"""Every text that staff read is in all their languages, with the same placeholders; and the tool that keeps them can be trusted."""

import gettext
import io
import threading
from pathlib import Path

import pytest
from tests.tidy.tree import Workspace, listed, plant
from tools import words
from tools.words import Text

from amparo_staff.layout.words import LANGUAGES, PLURALS, catalogue, compiled, joined

TABLE = "msgid\tes\tfr\tar\tpt\n"
PAGE = "packages/office/src/amparo_office/desk/templates/desk/planted.html"


def about(faults: list[str], text: str) -> list[str]:
    """The faults of one text."""
    return [fault for fault in faults if fault.endswith(f": {text}")]


def test_every_text_is_in_every_language(workspace: Workspace) -> None:
    faults = words.faults(workspace.root)
    assert not faults, listed(faults[:200])


def test_an_untranslated_text_is_seen_in_templates_and_in_python(copy: Workspace) -> None:
    plant(
        copy,
        PAGE,
        '{% load i18n %}{% translate "Planted one" %}{% blocktranslate count n=n trimmed %}\n {{ n }} tree\n{% plural %}\n'
        ' {{ n }} trees\n{% endblocktranslate %}{{ x|default:_("Planted two") }}{% translate "Planted three" context "c" %}',
    )
    plant(
        copy,
        "packages/office/src/amparo_office/desk/planted.py",
        'x = [gettext("Planted four"), ngettext("%(n)s cat", "%(n)s cats", n), pgettext_lazy("c", "Planted five")]\n'
        'def f():\n    raise NotFound("Planted six.")\n',
    )
    faults = words.faults(copy.root)
    for text in (
        *("Planted one", "Planted two", "c^^^Planted three", "Planted four", "c^^^Planted five", "Planted six."),
        *("%(n)s tree|||%(n)s trees", "%(n)s cat|||%(n)s cats"),
    ):
        assert len(about(faults, text)) == 4, text


def test_an_error_that_is_raised_brings_its_why_and_its_advice(copy: Workspace) -> None:
    errors = copy.root / "packages/office/src/amparo_office/errors.py"
    errors.write_text(
        errors.read_text() + '\n\nclass Planted(OfficeError):\n    why = "Planted why."\n    todo = "Planted todo."\n'
    )
    assert not about(words.faults(copy.root), "Planted why.")
    plant(copy, "packages/office/src/amparo_office/desk/planted.py", "from amparo_office.errors import Planted\n")
    assert len(about(words.faults(copy.root), "Planted todo.")) == 4


def test_a_table_is_taken_in_and_read_back(copy: Workspace) -> None:
    plant(
        copy,
        PAGE,
        "{% load i18n %}{% translate 'A \"tree\"' %}{% blocktranslate %}{{ n }} at 100%{% endblocktranslate %}",
    )
    rows = 'A "tree"\tUn "árbol"\tUn arbre\tشجرة\tUma árvore\n%(n)s at 100%%' + "\t%(n)s 100%%" * 4 + "\n"
    before = words.faults(copy.root)
    assert words.add(copy.root, TABLE + rows) == 2
    after = words.faults(copy.root)
    assert len(before) - len(after) == 8
    assert words.read(words.catalogue(copy.root, "office", "es"), "es")[Text('A "tree"')] == ('Un "árbol"',)


def test_a_phone_app_shows_english_where_a_translation_is_missing_and_keeps_the_order(copy: Workspace) -> None:
    path = words.catalogue(copy.root, "apps", "ar")
    days = Text("one day", "{n} days")
    words.write(path, "ar", {Text("Pay"): ("ادفع",), Text("Aid"): ("",), days: ("1", "2")})
    said = [Text("Pay"), days, Text("Planted"), Text("Aid")]
    assert words.in_order(said, "en", copy.root) == ["Aid", "Pay", "Planted", ["one day", "{n} days"]]
    assert words.in_order(said, "ar", copy.root) == ["Aid", "ادفع", "Planted", ["{n} days"] * 6]


@pytest.mark.parametrize(
    "row",
    [
        "%(n)s left\tquedan\t%(n)s\t%(n)s\t%(n)s",
        "Left {n}\tquedan {m}\t\t\t",
        "one|||%(n)s\tuno\t\t\t",
        "one|||%(n)s\tuno|||otros\t\t\t",
        "one|||%(n)s\t\t\tا|||ب\t",
    ],
)
def test_a_row_with_other_placeholders_or_forms_is_refused_whole(copy: Workspace, row: str) -> None:
    with pytest.raises(ValueError, match=r"line \d, (es|ar)"):
        words.add(copy.root, f"{TABLE}Fine\tBien\tBien\tحسن\tBem\n{row}\n")
    assert Text("Fine") not in words.read(words.catalogue(copy.root, "office", "es"), "es")


def test_several_may_add_at_once_and_nothing_is_lost(copy: Workspace) -> None:
    threads = [
        threading.Thread(target=words.add, args=(copy.root, f"{TABLE}Text {number}\ta\tb\tc\td\n"))
        for number in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    kept = words.read(words.catalogue(copy.root, "office", "pt"), "pt")
    assert all(Text(f"Text {number}") in kept for number in range(6))


def test_tidying_drops_what_nobody_says(copy: Workspace) -> None:
    words.add(copy.root, f"{TABLE}Nobody says this\ta\tb\tc\td\n")
    assert about(words.faults(copy.root), "Nobody says this")
    words.tidy(copy.root)
    assert not about(words.faults(copy.root), "Nobody says this")


def test_a_catalogue_is_written_the_same_way_twice(copy: Workspace) -> None:
    for package in words.SPOKEN:
        for language in words.LANGUAGES:
            path = words.catalogue(copy.root, package, language)
            first = path.read_bytes()
            words.write(path, language, words.read(path, language))
            assert path.read_bytes() == first


def test_gettext_reads_what_is_made_at_the_start_and_it_is_made_once(tmp_path: Path) -> None:
    packages = ("amparo_staff", "amparo_office")
    old = tmp_path / "words-0000000000000000"
    old.mkdir()
    place = compiled(tmp_path, packages)
    assert compiled(tmp_path, packages) == place
    assert not old.exists()
    for language in PLURALS:
        made = (place / language / "LC_MESSAGES" / "django.mo").read_bytes()
        assert made == joined(language, [catalogue(package, language) for package in packages])
        told = gettext.GNUTranslations(io.BytesIO(made))
        assert told.gettext("Sign out") != "Sign out"
    assert set(LANGUAGES) == {"en", *PLURALS}


@pytest.mark.parametrize(
    ("count", "form"), [(0, 0), (1, 1), (2, 2), (3, 3), (10, 3), (11, 4), (99, 4), (100, 5), (103, 3)]
)
def test_arabic_has_its_six_forms(count: int, form: int) -> None:
    source = (
        'msgid ""\nmsgstr "Plural-Forms: x\\n"\n\nmsgid "one"\nmsgid_plural "many"\n'
        + "".join(f'msgstr[{number}] "{number}"\n' for number in range(6))
    ).replace("Plural-Forms: x", "Content-Type: text/plain; charset=utf-8")
    told = gettext.GNUTranslations(io.BytesIO(joined("ar", [source.encode()])))
    assert told.ngettext("one", "many", count) == str(form)
