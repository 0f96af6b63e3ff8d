"""The audit page: in five languages, without script, complete, and readable for machines that read aloud."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from amparo.audit import page as page_module
from amparo.audit import plots
from amparo.audit.checks import CHECKS, Check, Figures, ProgrammeFigures, UnitFigures
from amparo.audit.page import SAYS, write_page
from amparo.audit.service import Audit, EntryTime
from amparo.commands import shell
from amparo.i18n import LANGUAGES, words
from amparo_common.money import Unit

LOCALE = Path(page_module.__file__).parents[1] / "locale"
KIND = ("key", "rule", "keyset", "decisions", "approval", "figures")

AUDIT = Audit(
    url="https://log.example",
    vkey="log.example+00000000+key",
    size=6,
    checkpoint="log.example\n6\nroot\n",
    checks=[Check(name, []) for name in SAYS],
    figures=Figures(
        units=[UnitFigures(Unit("usd"), 600, 600, 500, 300, 180, 20, 300, 250, 50, 2)],
        programmes=[ProgrammeFigures("food-basket", "2026-10", Unit("usd"), 10, 6, 600, approved=True)],
    ),
    entries=[EntryTime(f"2026-10-{day:02d}T09:00:00Z", kind) for day, kind in enumerate(KIND, start=1)],
    seconds=0.1,
)


class Reader(HTMLParser):
    """Collects tags and text of a page, and refuses tags that are closed in the wrong order."""

    VOID = frozenset({"meta", "br", "rect", "line", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(html: str) -> Reader:
    """A page, read."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_in_every_language(language: str) -> None:
    found = read(write_page(AUDIT, language, links=True))
    attributes = dict(found.tags)
    assert attributes["html"] == {"lang": language, "dir": "rtl" if language == "ar" else "ltr"}
    text = " ".join(found.text)
    for says in SAYS.values():
        assert words(language)(says) in text
    for amount in ("6.00", "5.00", "3.00", "1.80", "0.20", "2.50", "0.50"):
        assert amount in text


def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    html = write_page(AUDIT, "en", links=True)
    tags = {tag for tag, _ in read(html).tags}
    assert not tags & {"script", "link", "img", "iframe", "form", "input", "object"}
    assert re.findall(r'(?:src|href)="([^"]+)"', html) == [f"audit-{each}.html" for each in LANGUAGES]
    assert "default-src 'none'" in html
    assert len(html.encode()) < 50_000


def test_every_plot_has_a_name() -> None:
    plotted = [attributes for tag, attributes in read(write_page(AUDIT, "en")).tags if tag == "svg"]
    assert len(plotted) == 4
    assert all(each["role"] == "img" and each["aria-label"] for each in plotted)


def test_a_failed_check_is_shown_in_words_and_changes_the_verdict() -> None:
    broken = Audit(
        url=AUDIT.url,
        vkey=AUDIT.vkey,
        size=0,
        checkpoint="",
        checks=[Check("log_consistent", ["The log changed <something>."])],
        figures=Figures(units=[], programmes=[]),
        entries=[],
        seconds=0.1,
    )
    html = write_page(broken, "en")
    assert "Something is wrong" in html
    assert "The log changed &lt;something&gt;." in html
    assert "Everything adds up" not in html


def test_every_check_can_be_said() -> None:
    assert set(SAYS) == {*CHECKS, "log_consistent"}


def test_a_bar_shows_its_parts_in_proportion() -> None:
    drawn = plots.bars([300, 100], 400, label="a bar")
    widths = [float(each) for each in re.findall(r'class="[abc]" x="[\d.]+" y="1" width="([\d.]+)"', drawn)]
    assert widths == [675.0, 225.0]


def said_in_code() -> set[str]:
    """Every text that the code of the page and of the commands passes to the translator."""
    found = set(SAYS.values()) | {page_module.NOT_COLLECTED}
    commands = sorted(Path(shell.__file__).parent.glob("*.py"))
    for file in (Path(str(page_module.__file__)), Path(str(plots.__file__)), *commands):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                found |= texts_in(node.args)
            if isinstance(node, ast.Tuple) and "Programme" in texts_in(node.elts):
                found |= texts_in(node.elts)
    return found


def texts_in(nodes: list[ast.expr]) -> set[str]:
    """The texts among some expressions."""
    return {each.value for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, str)}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_a_catalogue_says_exactly_what_the_code_says(language: str) -> None:
    with (LOCALE / f"{language}.po").open("rb") as file:
        catalogue = {str(each.id): str(each.string) for each in read_po(file) if each.id}
    assert set(catalogue) == said_in_code()
    assert all(catalogue.values())
    for text, translation in catalogue.items():
        assert sorted(re.findall(r"{\w*}", text)) == sorted(re.findall(r"{\w*}", translation)), text
