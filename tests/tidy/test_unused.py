"""No function and no class stands in the source that nothing uses.

What a module runs when it is loaded, the entry points and the benches are the roots; what is used from a root is used, and
so on. A use in a test does not count: code that only its tests need is dead.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.tidy.tree import Module, Workspace, about, import_name, listed, plant

# Dotted name -> why it may stand although only tests use it.
ALLOWED = {
    "amparo_signer.local.LocalSigner": "the signer of every mint test, kept beside the protocol it fulfils",
    "amparo_cashu.nut00_token.write_raw": "the binary form of a token, half of a pair with `read_raw`",
    "amparo_cashu.nut00_token.read_raw": "the binary form of a token, which the phone apps hold against the shared vectors",
    "amparo_cashu.nut10_secret.check_lock": "one token's own condition, which the published vectors are about",
    "amparo_cashu.nut24_payment.read_request_header": "what a payer reads, half of a pair with `request_header`",
    "amparo_cashu.nut29_batch.sign_batch": "what a wallet sends, half of a pair with `check_batch`",
    "amparo_office.register.retention.past_limit": "what must be zero after the nightly job; counted by its tests",
}
# Modules that are a part of the specification each, judged by its published vectors in Python, and used by the phone apps in the
# form that the same vectors judge there; and what a shop's own web program uses, judged by cashu-ts.
LIBRARY = (
    "amparo_cashu.nut16_ur",
    "amparo_cashu.nut18_request",
    "amparo_cashu.nut26_request",
    "amparo_cashu.nut28_p2bk",
    "amparo_till.web_sales",
)

# Files whose classes Django loads because of where they stand.
_BY_PLACE = re.compile(r"\.(models|apps)$|\.migrations\.|\.management\.commands\.")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# Decorators that only change a function; any other one registers it somewhere, which is a use.
_PASSIVE = {"cache", "contextmanager", "asynccontextmanager", "dataclass", "final", "lru_cache", "overload", "wraps"}


@dataclass
class _Names:
    """One module's names: what it defines, and what each imported name stands for."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    meaning: dict[str, str] = field(default_factory=dict)


def unused_names(workspace: Workspace, allowed: dict[str, str] = ALLOWED) -> list[str]:
    """Top-level functions and classes that no root reaches."""
    modules = {module.dotted: module for module in workspace.modules()}
    names = {dotted: _names(module.tree, set(modules)) for dotted, module in modules.items()}
    waiting = set(_roots(workspace, modules, names))
    used: set[str] = set()
    while waiting:
        dotted = waiting.pop()
        if dotted in used:
            continue
        used.add(dotted)
        owner, _, name = dotted.rpartition(".")
        if owner in names and name in names[owner].definitions:
            waiting |= set(_uses([names[owner].definitions[name]], owner, names))
        elif owner in names and name in names[owner].meaning:
            waiting.add(names[owner].meaning[name])  # handed on by a package's front, such as a `service`
    return [
        f"{modules[owner].at(node)}: {owner}.{name} is not used"
        for owner, found in names.items()
        for name, node in found.definitions.items()
        if f"{owner}.{name}" not in used and f"{owner}.{name}" not in allowed
    ]


def _names(tree: ast.Module, known: set[str]) -> _Names:
    found = _Names()
    for node in tree.body:
        if isinstance(node, Definition):
            found.definitions[node.name] = node
    for inner in ast.walk(tree):
        match inner:
            case ast.Import(names=aliases):
                for alias in aliases:
                    found.meaning[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                for alias in aliases:
                    found.meaning[alias.asname or alias.name] = f"{module}.{alias.name}"
    return found


def _roots(workspace: Workspace, modules: dict[str, Module], names: dict[str, _Names]) -> Iterator[str]:
    for dotted, module in modules.items():
        yield from _uses([node for node in module.tree.body if not isinstance(node, Definition)], dotted, names)
        for name, node in names[dotted].definitions.items():
            if (
                dotted in LIBRARY
                or _BY_PLACE.search(dotted)
                or any(_registers(decorator) for decorator in node.decorator_list)
            ):
                yield f"{dotted}.{name}"
    for package in workspace.packages:
        for target in workspace.project(package).get("scripts", {}).values():
            yield str(target).replace(":", ".")
    for path in workspace.files("bench/**/*.py"):
        tree = ast.parse(path.read_text())
        bench = {**names, "bench": _names(tree, set(modules))}
        yield from _uses(tree.body, "bench", bench)


def _registers(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")) not in _PASSIVE


def _uses(nodes: list[ast.stmt] | list[Definition], owner: str, names: dict[str, _Names]) -> Iterator[str]:
    """The dotted names that these statements of the module `owner` use, texts of annotations and module paths included."""
    here = names[owner]
    for node in nodes:
        for inner in ast.walk(node):
            match inner:
                case ast.Name(id=name) if name in here.meaning:
                    yield here.meaning[name]
                case ast.Name(id=name) if name in here.definitions:
                    yield f"{owner}.{name}"
                case ast.Attribute():
                    yield _dotted(inner, here)
                case ast.Constant(value=str(text)) if text.isidentifier() and text in here.definitions:
                    yield f"{owner}.{text}"
                case ast.Constant(value=str(text)) if text.startswith("amparo_"):
                    yield text  # Django's settings name middleware by its path


def _dotted(node: ast.Attribute, here: _Names) -> str:
    """`store.find` with `from amparo_x import store` is amparo_x.store.find; "" when it begins with no import."""
    parts = [node.attr]
    value = node.value
    while isinstance(value, ast.Attribute):
        parts.insert(0, value.attr)
        value = value.value
    if isinstance(value, ast.Name) and value.id in here.meaning:
        return ".".join([here.meaning[value.id], *parts])
    return ""


def test_everything_is_used(workspace: Workspace) -> None:
    faults = unused_names(workspace)
    assert not faults, listed(faults)


def test_what_is_allowed_is_there_and_needs_it(workspace: Workspace) -> None:
    faults = listed(unused_names(workspace, {}))
    assert [name for name in ALLOWED if f": {name} is not used" not in faults] == []


def test_what_nothing_uses_is_seen(copy: Workspace) -> None:
    leak = "packages/till/src/amparo_till/leak.py"
    plant(
        copy,
        leak,
        "import functools\n\n\n"
        "def lonely():\n    return lonely()\n\n\n"
        "def from_lonely():\n    return 1\n\n\n"
        "class Pair:\n    other = None\n\n\n"
        "def used():\n    return inner()\n\n\n"
        "def inner() -> 'Typed':\n    return 1\n\n\n"
        "class Typed:\n    pass\n\n\n"
        "@functools.cache\ndef cached():\n    return from_lonely()\n\n\n"
        "@app.command()\ndef registered():\n    return 1\n\n\n"
        "ON_LOADING = used()\n",
    )
    plant(copy, "packages/till/tests/test_leak.py", "from amparo_till.leak import Pair\n\nPair()\n")
    found = [fault.rpartition(" is not used")[0].rpartition(".")[2] for fault in about(unused_names(copy), leak)]
    assert found == ["lonely", "from_lonely", "Pair", "cached"]


def test_a_use_in_another_package_by_module_or_by_bench_is_a_use(copy: Workspace) -> None:
    leak = "packages/cashu/src/amparo_cashu/leak.py"
    plant(copy, leak, "def a():\n    pass\n\n\ndef b():\n    pass\n\n\ndef c():\n    pass\n\n\ndef d():\n    pass\n")
    plant(
        copy,
        "packages/till/src/amparo_till/other.py",
        "from amparo_cashu import leak\nfrom amparo_cashu.leak import b as renamed\nimport amparo_cashu.leak\n\n"
        "X = [leak.a(), renamed, amparo_cashu.leak.c]\n",
    )
    assert [fault.rpartition(": ")[2] for fault in about(unused_names(copy), leak)] == [
        "amparo_cashu.leak.d is not used"
    ]
    plant(copy, "bench/use.py", "from amparo_cashu.leak import d\n\nd()\n")
    assert about(unused_names(copy), leak) == []
    assert import_name("cashu") == "amparo_cashu"
