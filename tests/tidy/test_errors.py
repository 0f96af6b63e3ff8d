"""Every error has its own stable code, stands in its package's tree and in `docs/errors.md`, and can really happen."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.tidy.tree import Workspace, listed, plant, string_constants
from tools.errors_docs import ON_PHONES, PAGE, WITHOUT_CLASS, ErrorClass, is_base, read_errors, render

# The codes of a package begin with its folder's name, but for these.
PREFIXES = {
    "cashu": "token",  # wallets, tills and the mint show these codes, and "token" is the word their users know
}
# A code is words with one dot; file names of the same form are no codes.
_CODE = re.compile(r"[a-z]+\.[a-z][a-z_]+")
_NO_CODES = re.compile(r"amparo\.[a-z]+|[a-z]+\.(sqlite|pem|bin|json|token|toml|pdf|html|csv|txt|log)")


def code_faults(workspace: Workspace) -> list[str]:
    """Errors without a code of their own, with another package's prefix, or with a code that another error has."""
    errors = read_errors(workspace.root)
    codes = Counter(error.attributes.get("code") for error in errors)
    faults = []
    for error in errors:
        code, where = error.attributes.get("code"), f"{error.file}:{error.line}: {error.name}"
        prefix = "amparo" if error.name == "AmparoError" else PREFIXES.get(error.package, error.package)
        if code is None:
            faults.append(f"{where} has no code of its own")
        elif not _CODE.fullmatch(code) or not code.startswith(f"{prefix}."):
            faults.append(f"{where} has the code {code}, which does not begin with {prefix}.")
        if codes[code] > 1:
            faults.append(f"{where} has the code {code}, which another error has too")
        if not error.doc:
            faults.append(f"{where} does not say what happened")
        if not is_base(error, errors) and not all(
            error.attributes.get(text) or "__init__" in _methods(workspace, error) for text in ("why", "todo")
        ):
            faults.append(f"{where} does not say why, or what to do")
    return faults


def _methods(workspace: Workspace, error: ErrorClass) -> set[str]:
    tree = ast.parse((workspace.root / error.file).read_text())
    return {
        method.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == error.name
        for method in node.body
        if isinstance(method, ast.FunctionDef)
    }


def drawn_tree(docstring: str) -> dict[str, tuple[str, str]]:
    """The tree in an `errors.py` docstring: class -> (its base, its code or "")."""
    found: dict[str, tuple[str, str]] = {}
    above: list[tuple[int, str]] = []
    lines = docstring.splitlines()
    start = next((at for at, line in enumerate(lines) if line.strip() == "AmparoError"), len(lines))
    for line in lines[start:]:
        match = re.fullmatch(r"( *)([A-Z]\w+)(?: +([a-z]+\.[a-z_]+)(?: .*)?)?", line)
        if match is None:
            break
        depth = len(match[1])
        above = [(level, name) for level, name in above if level < depth]
        found[match[2]] = (above[-1][1] if above else "", match[3] or "")
        above.append((depth, match[2]))
    return found


def tree_faults(workspace: Workspace) -> list[str]:
    """Differences between the trees in the docstrings and the classes."""
    errors = read_errors(workspace.root)
    faults = []
    for file in sorted({error.file for error in errors}):
        drawn = drawn_tree(ast.get_docstring(ast.parse((workspace.root / file).read_text())) or "")
        drawn.pop("AmparoError", None)
        real = {
            error.name: (error.base, "" if is_base(error, errors) else error.attributes.get("code", ""))
            for error in errors
            if error.file == file and error.name != "AmparoError"
        }
        faults += [
            f"{file}: {name} is {real.get(name, 'not there')}, the tree draws {drawn.get(name, 'nothing')}"
            for name in sorted(set(real) | set(drawn))
            if real.get(name) != drawn.get(name)
        ]
    return faults


def errors_elsewhere(workspace: Workspace) -> list[str]:
    """Error classes that are not in an `errors.py`, where no list would see them."""
    names = {error.name for error in read_errors(workspace.root)}
    return [
        f"{module.at(node)}: {node.name} belongs into errors.py"
        for module in workspace.modules()
        if module.path.name != "errors.py"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in names | {"Exception", "ValueError"} for base in node.bases)
    ]


def never_made(workspace: Workspace) -> list[str]:
    """Errors that no code makes, and bases that some code makes."""
    errors = read_errors(workspace.root)
    made: set[tuple[str, str]] = set()
    for module in workspace.modules():
        origin = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ImportFrom) and node.module is not None
            for alias in node.names
        }
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                made.add(origin.get(node.func.id, (module.dotted, node.func.id)))
    faults = []
    for error in errors:
        dotted = error.file.split("/src/")[1].removesuffix(".py").replace("/", ".")
        if is_base(error, errors) == ((dotted, error.name) in made):
            faults.append(
                f"{error.file}:{error.line}: {error.name} is "
                + ("a base and made nevertheless" if is_base(error, errors) else "never made")
            )
    return faults


def codes_without_class(workspace: Workspace) -> list[str]:
    """Codes written as text beside the classes, and not listed in `tools/errors_docs.py`; and the reverse."""
    classes = {error.attributes.get("code") for error in read_errors(workspace.root)}
    prefixes = set(workspace.packages) | set(PREFIXES.values())
    written = {
        text: module.at(node)
        for module in workspace.modules()
        for node, text in string_constants(module.tree)
        if _CODE.fullmatch(text) and text.partition(".")[0] in prefixes and not _NO_CODES.fullmatch(text)
    }
    faults = [
        f"{where}: the code {text} is neither a class's nor listed in tools/errors_docs.py"
        for text, where in written.items()
        if text not in classes and text not in WITHOUT_CLASS
    ]
    stale = [text for text in WITHOUT_CLASS if text in classes or text not in written]
    return faults + [f"tools/errors_docs.py: {text} is listed and not needed" for text in stale]


_PHONE_CODE = re.compile(r"""\bfail\(\s*["'`]([a-z]+\.[a-z_]+)""")


def codes_on_phones(root: Path, codes: set[str]) -> list[str]:
    """Codes that the phone apps raise and that neither a class nor `ON_PHONES` has; and the reverse."""
    raised = {
        code: path.relative_to(root).as_posix()
        for path in sorted(root.glob("web/*/src/**/*.ts*"))
        for code in _PHONE_CODE.findall(path.read_text(encoding="utf-8"))
    }
    strange = [
        f"{where}: {code} is not on the page" for code, where in raised.items() if code not in codes | set(ON_PHONES)
    ]
    stale = [
        f"tools/errors_docs.py: {code} is listed and not needed"
        for code in ON_PHONES
        if code in codes or code not in raised
    ]
    return strange + stale


def test_every_code_of_the_phones_is_documented(workspace: Workspace, tmp_path: Path) -> None:
    codes = {str(error.attributes.get("code")) for error in read_errors(workspace.root)} | set(WITHOUT_CLASS)
    faults = codes_on_phones(workspace.root, codes)
    assert not faults, listed(faults)
    planted = tmp_path / "web" / "till" / "src" / "planted.ts"
    planted.parent.mkdir(parents=True)
    planted.write_text(
        'fail("till.planted", "A new one.");\nfail("till.no_sale", "");\nfail("token.already_spent", "");\n'
    )
    assert codes_on_phones(tmp_path, codes)[0] == "web/till/src/planted.ts: till.planted is not on the page"
    assert "tools/errors_docs.py: till.no_sale is listed and not needed" not in codes_on_phones(tmp_path, codes)
    assert "tools/errors_docs.py: vault.closed is listed and not needed" in codes_on_phones(tmp_path, codes)


def test_every_error_has_a_code_of_its_own(workspace: Workspace) -> None:
    faults = code_faults(workspace)
    assert not faults, listed(faults)


def test_the_trees_in_the_docstrings_are_the_classes(workspace: Workspace) -> None:
    faults = tree_faults(workspace)
    assert not faults, listed(faults)


def test_errors_live_in_errors_py(workspace: Workspace) -> None:
    faults = errors_elsewhere(workspace)
    assert not faults, listed(faults)


def test_every_error_can_happen(workspace: Workspace) -> None:
    faults = never_made(workspace)
    assert not faults, listed(faults)


def test_every_code_is_documented(workspace: Workspace) -> None:
    faults = codes_without_class(workspace)
    assert not faults, listed(faults)


def test_the_page_of_errors_is_current(workspace: Workspace) -> None:
    written = (workspace.root / PAGE).read_text()
    assert written == render(read_errors(workspace.root)), "run `just errors-docs`"


TWIN = '''

class Twin(MintError):
    """The same code again."""

    code = "mint.over_issued"
    why = "A mistake."
    todo = "Nothing."


class Twin2(Twin):
    """No code of its own."""


class Stranger(MintError):
    """Another package's code."""

    code = "token.stranger"
'''


def test_a_doubled_missing_or_foreign_code_is_seen(copy: Workspace) -> None:
    errors = "packages/mint/src/amparo_mint/errors.py"
    plant(copy, errors, TWIN.replace("mint.over_issued", "mint.shop_not_accredited"))
    faults = listed(code_faults(copy))
    assert "Twin has the code mint.shop_not_accredited, which another error has too" in faults
    assert "ShopNotAccredited has the code mint.shop_not_accredited, which another error has too" in faults
    assert "Twin2 has no code of its own" in faults
    assert "Stranger has the code token.stranger, which does not begin with mint." in faults
    assert "Stranger does not say why, or what to do" in faults


def test_an_error_that_is_not_drawn_made_or_on_the_page_is_seen(copy: Workspace) -> None:
    before = render(read_errors(copy.root))
    plant(copy, "packages/mint/src/amparo_mint/errors.py", TWIN)
    assert len(tree_faults(copy)) == 3
    unmade = [fault.partition(": ")[2] for fault in never_made(copy)]
    assert {"Twin2 is never made", "Stranger is never made"} <= set(unmade)
    assert render(read_errors(copy.root)) != before


def test_a_drawn_error_that_is_not_there_is_seen(copy: Workspace) -> None:
    errors = copy.root / "packages/paper/src/amparo_paper/errors.py"
    errors.write_text(errors.read_text().replace("    CodeTooLong ", "    CodeTooShort ", 1))
    assert len(tree_faults(copy)) == 2


def test_an_error_outside_errors_py_and_a_bare_code_are_seen(copy: Workspace) -> None:
    plant(
        copy,
        "packages/till/src/amparo_till/leak.py",
        "from amparo_till.errors import TillError\n\n\nclass Odd(TillError):\n    code = 'till.odd'\n",
    )
    assert [fault.rpartition(": ")[2] for fault in errors_elsewhere(copy)] == ["Odd belongs into errors.py"]
    assert any("till.odd" in fault for fault in codes_without_class(copy))


def test_a_base_that_is_raised_is_seen(copy: Workspace) -> None:
    plant(
        copy,
        "packages/till/src/amparo_till/leak.py",
        "from amparo_till.errors import TillError\n\n\ndef f():\n    raise TillError('x')\n",
    )
    assert any("TillError is a base and made nevertheless" in fault for fault in never_made(copy))
