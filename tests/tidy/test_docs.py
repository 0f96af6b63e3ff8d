"""The documents are true where a machine can tell: links, error codes, the fact catalogue, named tests, commands.

Each check is a function over texts, so that a test can run it on the real pages, which have no fault, and on a page with a
planted one. Not here: the examples of the formats (`test_examples.py`), `docs/errors.md`, which is made from the code
(`test_errors.py`), and whether the commands of README.md do what it says, which a test of their own runs.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from tests.tidy.tree import FENCED, ROOT, Pages, Workspace, listed
from tools.errors_docs import ON_PHONES, WITHOUT_CLASS, read_errors

from amparo.__main__ import app
from amparo_rules.catalogue import CATALOGUE, FactDefinition, FactType, show_decimal

_CODE_SPAN = re.compile(r"`([^`\n]+)`")


def pages_of(paths: Iterable[Path]) -> dict[str, str]:
    """The texts of pages by their path in the tree."""
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Every page that git keeps or would keep."""
    return pages_of(path for path in Workspace().tracked() if path.suffix == ".md")


# --- links and paths -----------------------------------------------------------------------------------------------------

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# A file or folder of this tree, written as code.
_PATH = re.compile(r"(?:docs|packages|tests|tools|vectors)/[\w./-]+")


def broken_links(root: Path, texts: Pages) -> list[str]:
    """Links to files or headings that are not there."""
    faults = []
    for page, text in texts.items():
        for target in _LINK.findall(_CODE_SPAN.sub("", FENCED.sub("", text))):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            path = (root / page).parent / file if file else root / page
            if not path.exists():
                faults.append(f"{page}: {target} is not there")
            elif anchor and anchor not in _anchors(path.read_text(encoding="utf-8")):
                faults.append(f"{page}: {target} names no heading")
    return faults


def _anchors(text: str) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_paths(root: Path, texts: Pages) -> list[str]:
    """Paths of this tree, written as code, that are not there; in a package's own README also beside it."""
    return [
        f"{page}: {path} is not there"
        for page, text in texts.items()
        for span in _CODE_SPAN.findall(FENCED.sub("", text))
        for path in _PATH.findall(span)
        if re.fullmatch(rf"{re.escape(path)}(::\w+)?", span)
        and not (root / path).exists()
        and not ((root / page).parent / path).exists()
    ]


def missing_pages(root: Path, sources: Pages) -> list[str]:
    """Pages that the code names (in an error's words, in a docstring) and that are not there."""
    return [
        f"{source}: {page} is not there"
        for source, text in sources.items()
        for page in re.findall(r"\bdocs/[\w/-]+\.md\b", text)
        if not (root / page).exists()
    ]


def test_every_link_leads_somewhere(pages: Pages) -> None:
    faults = broken_links(ROOT, pages) + missing_paths(ROOT, pages)
    assert not faults, listed(faults)
    assert {"README.md", "ARCHITECTURE.md", "docs/formats/receipt.md"} <= set(pages)


def test_every_page_that_the_code_names_is_there(workspace: Workspace) -> None:
    sources = {module.shown: module.text for module in workspace.modules()}
    faults = missing_pages(ROOT, sources)
    assert not faults, listed(faults)
    assert missing_pages(ROOT, {"a.py": 'todo = "See docs/formats/nowhere.md."'}) == [
        "a.py: docs/formats/nowhere.md is not there"
    ]


def test_a_link_or_path_to_nowhere_is_seen() -> None:
    text = "[a](LICENSE) [b](nowhere.md) [c](SECURITY.md#security) [d](SECURITY.md#nothing) `packages/nowhere/x.py`"
    planted = {"page.md": f"{text} `packages/*/src` `[e](f.md)`\n```text\n[g](h.md)\n```\n"}
    assert broken_links(ROOT, planted) == [
        "page.md: nowhere.md is not there",
        "page.md: SECURITY.md#nothing names no heading",
    ]
    assert missing_paths(ROOT, planted) == ["page.md: packages/nowhere/x.py is not there"]


# --- error codes, commands, tests ------------------------------------------------------------------------------------------

_FILE_NAME = re.compile(r".*\.(py|ts|tsx|mjs|md|json|yaml|toml|sqlite|pem|bin|token|pdf|typ)")


def unknown_codes(texts: Pages, codes: set[str]) -> list[str]:
    """Error codes, written as code, that no error has."""
    prefixes = {code.partition(".")[0] for code in codes}
    return [
        f"{page}: there is no error {span}"
        for page, text in texts.items()
        for span in _CODE_SPAN.findall(text)
        if re.fullmatch(r"[a-z]+\.[a-z_]+", span)
        and span.partition(".")[0] in prefixes
        and span not in codes
        and not _FILE_NAME.fullmatch(span)
    ]


def commands() -> dict[str, set[str]]:
    """The commands of `amparo`: group -> its commands; a command that is no group has none."""
    found: dict[str, set[str]] = {str(command.name): set() for command in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        inner = group.typer_instance
        found[str(group.name)] = {str(each.name) for each in inner.registered_commands}
        found[str(group.name)] |= {str(each.name) for each in inner.registered_groups}
    return found


def unknown_commands(texts: Pages, known: Mapping[str, set[str]]) -> list[str]:
    """Commands of `amparo`, written as code, that it does not have."""
    faults = []
    for page, text in texts.items():
        spans = _CODE_SPAN.findall(FENCED.sub("", text))
        spans += [
            line
            for kind, block in FENCED.findall(text)
            if kind == "console"
            for line in re.findall(r"^\$ (.*)", block, re.M)
        ]
        for span in spans:
            for first, second in re.findall(r"(?:^|[ /])amparo ([a-z]+)(?: ([a-z-]+))?", span):
                if first not in known or (known[first] and second and second not in known[first]):
                    faults.append(f"{page}: there is no command amparo {first} {second}".rstrip())
    return faults


def all_tests(workspace: Workspace) -> set[str]:
    """Every test as `file::name`."""
    return {
        f"{path.relative_to(workspace.root).as_posix()}::{node.name}"
        for path in workspace.files("tests/**/test_*.py", "packages/*/tests/**/test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def missing_tests(texts: Pages, tests: set[str]) -> list[str]:
    """Tests that a page names, with their file or by name alone, and that are not there."""
    names = {test.partition("::")[2] for test in tests}
    faults = []
    for page, text in texts.items():
        for span in _CODE_SPAN.findall(text):
            if ("::test_" in span and span not in tests) or (re.fullmatch(r"test_\w+", span) and span not in names):
                faults.append(f"{page}: there is no test {span}")
    return faults


def invariants_without_a_test(text: str) -> list[str]:
    """Paragraphs that claim an invariant and name no test."""
    return [
        f"{paragraph.splitlines()[0]} names no test"
        for paragraph in re.split(r"\n\s*\n", text)
        if paragraph.startswith("**Invariant:**") and "::test_" not in paragraph
    ]


def test_every_error_code_in_a_page_exists(pages: Pages, workspace: Workspace) -> None:
    codes = {str(error.attributes.get("code")) for error in read_errors(workspace.root)}
    codes |= {*WITHOUT_CLASS, *ON_PHONES}
    faults = unknown_codes(pages, codes)
    assert not faults, listed(faults)
    planted = {"page.md": "`log.rewritten` `log.nothing_of_the_kind` `log.sqlite` `other.thing`"}
    assert unknown_codes(planted, codes) == ["page.md: there is no error log.nothing_of_the_kind"]


def test_every_command_in_a_page_exists(pages: Pages) -> None:
    faults = unknown_commands(pages, commands())
    assert not faults, listed(faults)
    planted = {
        "page.md": "`amparo fly` `./amparo staff add` `amparo staff fly`\n```console\n$ ./amparo swim\namparo run\n```\n"
    }
    assert unknown_commands(planted, commands()) == [
        f"page.md: there is no command amparo {each}" for each in ("fly", "staff fly", "swim")
    ]


def test_every_named_test_exists(pages: Pages, workspace: Workspace) -> None:
    tests = all_tests(workspace)
    faults = missing_tests(pages, tests)
    assert not faults, listed(faults)
    planted = {
        "page.md": f"`{min(tests)}` `tests/test_x.py::test_y` `test_nothing_at_all` `test_every_named_test_exists`"
    }
    assert missing_tests(planted, tests) == [
        "page.md: there is no test tests/test_x.py::test_y",
        "page.md: there is no test test_nothing_at_all",
    ]


def test_every_invariant_names_a_test(pages: Pages) -> None:
    text = pages["ARCHITECTURE.md"]
    assert text.count("**Invariant:**") > 20
    assert invariants_without_a_test(text) == []
    assert invariants_without_a_test("**Invariant:** All is well.\n\n`a.py::test_b`\n") == [
        "**Invariant:** All is well. names no test"
    ]


# --- the fact catalogue ------------------------------------------------------------------------------------------------------


def catalogue_rows(catalogue: Iterable[FactDefinition]) -> list[list[str]]:
    """The table's cells as the catalogue has them."""
    return [
        [
            each.entity,
            f"`{each.name}`",
            f"decimal, {each.type.scale} digits" if each.type.kind == "decimal" else each.type.kind,
            _allowed(each.type),
            "yes" if each.type.nullable else "no",
            each.label["en"],
            each.purpose,
            str(each.retention_days),
        ]
        for each in catalogue
    ]


def _allowed(kind: FactType) -> str:
    if kind.kind == "bool":
        return "true, false"
    low, high = (
        show_decimal(each, kind.scale) if kind.kind == "decimal" else str(kind.show(each))
        for each in (kind.min, kind.max)
    )
    return f"{low} to {high}"


def catalogue_faults(text: str, catalogue: Iterable[FactDefinition]) -> list[str]:
    """Differences between the page's table and the catalogue."""
    written = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in text.splitlines()
        if re.match(r"\| (person|household) \|", line)
    ]
    real = catalogue_rows(catalogue)
    return [f"written: {row}" for row in written if row not in real] + [
        f"missing: {row}" for row in real if row not in written
    ]


def test_the_page_of_facts_is_the_catalogue(pages: Pages) -> None:
    page = pages["docs/formats/fact-catalogue.md"]
    assert catalogue_faults(page, CATALOGUE.values()) == []
    assert len(catalogue_faults(page.replace("0 to 50", "0 to 51"), CATALOGUE.values())) == 2
    assert len(catalogue_faults(page, list(CATALOGUE.values())[1:])) == 1
