"""The workspace as the tidy checks see it: packages, modules and their syntax trees, read from any folder.

Every check is a function from a `Workspace` (or a text) to a list of faults, so that a test can run it on the real tree,
which must have none, and on a copy with a planted breach, which must have one.
"""

import ast
import functools
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Texts of pages by path or file name.
Pages = Mapping[str, str]
# A fenced block of a page: what stands behind the fence, and the block.
FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A word inside an identifier: `household_size` -> household, size; `PersonRow` -> person, row.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@functools.cache
def parsed(text: str) -> ast.Module:
    """The syntax tree of a source text. Shared between all who ask: look, do not change."""
    return ast.parse(text)


@dataclass(frozen=True)
class Module:
    """One Python file of a package: its folder's name, its dotted name, where it lies, what it says."""

    package: str
    dotted: str
    path: Path
    shown: str

    @functools.cached_property
    def text(self) -> str:
        """The source."""
        return self.path.read_text()

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The syntax tree. Never changed: modules with the same text share it."""
        return parsed(self.text)

    def at(self, node: ast.AST) -> str:
        """`file:line` of a node."""
        return f"{self.shown}:{getattr(node, 'lineno', 1)}"


class Workspace:
    """A folder with `pyproject.toml` and `packages/*`."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root

    @property
    def packages(self) -> list[str]:
        """The folder names under `packages/`."""
        return sorted(path.parent.name for path in self.root.glob("packages/*/pyproject.toml"))

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """The root `pyproject.toml`."""
        return tomllib.loads((self.root / "pyproject.toml").read_text())

    def project(self, package: str) -> dict[str, Any]:
        """A package's own `[project]` table."""
        table: dict[str, Any] = tomllib.loads((self.root / "packages" / package / "pyproject.toml").read_text())
        project: dict[str, Any] = table["project"]
        return project

    def needs(self, package: str) -> set[str]:
        """Our packages that installing this one brings along, itself included: what its `pyproject.toml` declares, and
        what those declare."""
        ours = {distribution_name(each): each for each in self.packages}
        found: set[str] = set()
        waiting = [package]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += [
                    ours[name] for name in map(_bare, self.project(each).get("dependencies", [])) if name in ours
                ]
        return found

    def walls(self) -> dict[str, set[str]]:
        """By package: our packages that the import contracts forbid it."""
        ours = {import_name(each): each for each in self.packages}
        found: dict[str, set[str]] = {each: set() for each in self.packages}
        for contract in self.settings["tool"]["importlinter"]["contracts"]:
            if contract["type"] == "forbidden":
                for source in contract["source_modules"]:
                    found[ours[source]] |= {ours[name] for name in contract["forbidden_modules"] if name in ours}
        return found

    def modules(self, *packages: str) -> list[Module]:
        """The modules of these packages (of all when none is named), in order."""
        found = []
        for package in packages or self.packages:
            source = self.root / "packages" / package / "src"
            for path in sorted(source.rglob("*.py")):
                parts = path.relative_to(source).with_suffix("").parts
                dotted = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                found.append(Module(package, dotted, path, str(path.relative_to(self.root))))
        return found

    def files(self, *patterns: str) -> list[Path]:
        """Python files elsewhere in the tree, by glob."""
        return sorted({path for pattern in patterns for path in self.root.glob(pattern)})

    def tracked(self) -> list[Path]:
        """Every file that git keeps or would keep."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.root,
            check=True,
            capture_output=True,
        ).stdout.decode()
        return [path for name in listed.split("\0") if name and (path := self.root / name).is_file()]


def _bare(requirement: str) -> str:
    """`amparo-log==0.1.0` -> amparo-log."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return match[0] if match else ""


def import_name(package: str) -> str:
    """The folder `mint` is imported as `amparo_mint`; the umbrella as `amparo`."""
    return "amparo" if package == "amparo" else f"amparo_{package}"


def distribution_name(package: str) -> str:
    """The folder `mint` is installed as `amparo-mint`; the umbrella as `amparo`."""
    return import_name(package).replace("_", "-")


def words(identifier: str) -> set[str]:
    """The lower-case words of an identifier, in snake_case or CamelCase."""
    return {word.lower() for word in _WORD.findall(identifier)}


def imports(tree: ast.AST) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    """Every import statement anywhere in a file, with the dotted name it loads."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield node, alias.name
            case ast.ImportFrom(level=0, module=str(module)):
                yield node, module


def identifiers(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every name that a file gives or uses: variables, attributes, arguments, keywords, functions, classes, imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node, name
            case ast.alias(name=name, asname=other):
                yield node, name
                if other is not None:
                    yield node, other
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                for name in names:
                    yield node, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node, name
            case ast.Dict(keys=keys):
                for key in keys:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
                        yield key, key.value


def string_constants(tree: ast.AST) -> Iterator[tuple[ast.Constant, str]]:
    """Every text in a file but docstrings; the parts of an f-string each for itself."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node, node.value


def listed(faults: list[str]) -> str:
    """The faults one to a line, for a failing test to say."""
    return "\n".join(["", *faults])


def about(faults: list[str], path: str) -> list[str]:
    """The faults in one file: a breach test looks at what it planted, whatever the real tree's state is."""
    return [fault for fault in faults if fault.startswith(path)]


def plant(workspace: Workspace, path: str, text: str) -> Path:
    """Write `text` at the end of a file of a copied tree, making the file if there is none."""
    target = workspace.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("a") as file:
        file.write(text)
    return target
