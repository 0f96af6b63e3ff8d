"""Nothing is imported or run by a name made up at run time: that would be a door which no contract sees."""

import ast

from tests.tidy.tree import Module, Workspace, about, imports, listed, plant

# (file, what is used) -> why it is safe there.
ALLOWED: dict[tuple[str, str], str] = {}

# Modules that load or run code by name. `importlib.resources` and `importlib.metadata` only read files.
_LOADERS = {"code", "codeop", "imp", "importlib", "pkgutil", "runpy", "zipimport"}
_HARMLESS = {"importlib.metadata", "importlib.resources"}
_BUILTINS = {"__import__", "compile", "eval", "exec", "globals"}
_ATTRIBUTES = {("sys", "modules"), ("sys", "path"), ("sys", "meta_path"), ("sys", "path_hooks")}


def dynamic_imports(workspace: Workspace, allowed: dict[tuple[str, str], str] = ALLOWED) -> list[str]:
    """Every use of a loader, an evaluator or the table of modules that is not allowed, and every stale allowance."""
    uses = [use for module in workspace.modules() for use in _uses(module)]
    faults = [f"{where}: {what}" for where, file, what in uses if (file, what) not in allowed]
    stale = set(allowed) - {(file, what) for _, file, what in uses}
    return faults + [f"{file}: {what} is allowed and not used" for file, what in sorted(stale)]


def _uses(module: Module) -> list[tuple[str, str, str]]:
    found = []
    for statement, dotted in imports(module.tree):
        loaded = {dotted}
        if isinstance(statement, ast.ImportFrom) and dotted not in _HARMLESS:
            loaded = {f"{dotted}.{alias.name}" for alias in statement.names}
        if dotted.partition(".")[0] in _LOADERS and not loaded <= _HARMLESS:
            found.append((module.at(statement), module.shown, dotted))
    for node in ast.walk(module.tree):
        match node:
            case ast.Name(id=name) if name in _BUILTINS:
                found.append((module.at(node), module.shown, name))
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in _ATTRIBUTES:
                found.append((module.at(node), module.shown, f"{owner}.{name}"))
            case ast.ImportFrom(module="sys", names=names):
                found += [
                    (module.at(node), module.shown, f"sys.{alias.name}")
                    for alias in names
                    if ("sys", alias.name) in _ATTRIBUTES
                ]
            case ast.Attribute(attr="__globals__" | "__loader__" | "__spec__" as name):
                found.append((module.at(node), module.shown, name))
    return found


def test_nothing_is_imported_dynamically(workspace: Workspace) -> None:
    faults = dynamic_imports(workspace)
    assert not faults, listed(faults)


BREACHES = (
    "import importlib",
    "import importlib.util",
    "from importlib import import_module",
    "from importlib.machinery import SourceFileLoader",
    "import runpy",
    "x = __import__('amparo_office')",
    "exec('import amparo_office')",
    "x = eval('1')",
    "f = eval",
    "import sys; x = sys.modules['amparo_office']",
    "from sys import modules",
    "import sys; sys.path.append('..')",
    "from pkgutil import resolve_name",
    "x = reach.__globals__['amparo_office']",
)


def test_every_dynamic_import_is_seen(copy: Workspace) -> None:
    leak = "packages/mint/src/amparo_mint/leak.py"
    plant(copy, leak, "def reach():\n" + "".join(f"    {line}\n" for line in BREACHES))
    seen = sorted(int(fault.split(":")[1]) for fault in about(dynamic_imports(copy), leak))
    assert seen == list(range(2, 2 + len(BREACHES)))


def test_reading_packaged_files_is_allowed_and_a_stale_allowance_is_seen(copy: Workspace) -> None:
    fine = "packages/mint/src/amparo_mint/fine.py"
    plant(copy, fine, "from importlib import resources\nimport importlib.metadata\nimport re\n\n\nre.compile('x')\n")
    assert about(dynamic_imports(copy), fine) == []
    assert about(dynamic_imports(copy, {(fine, "exec"): "a reason"}), fine) == [f"{fine}: exec is allowed and not used"]
