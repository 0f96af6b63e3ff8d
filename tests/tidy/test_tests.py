"""Every test can fail: it asserts something, expects an error, or calls a helper that does."""

import ast
from pathlib import Path

from tests.tidy.tree import Workspace, listed, plant

# Test -> why it can fail although it asserts nothing.
ALLOWED = {
    "test_every_name_of_a_starter_rule_is_harmless": "refuse_forbidden raises, see the tests beside it",
    "test_the_starter_rules_are_valid_and_their_examples_come_true": "check_examples raises, see the tests beside it",
}
ALLOWED |= dict.fromkeys(
    (
        "test_jumps_of_the_clock_lose_no_token",
        "test_of_a_thousand_conflicting_swaps_one_wins_each_time",
        "test_of_a_thousand_conflicting_swaps_at_two_mints_on_one_database_one_wins_each_time",
    ),
    "its story, given to `live`, asserts",
)
_EXPECTING = {"raises", "warns", "fail"}


def unfailing_tests(workspace: Workspace) -> list[str]:
    """Test functions without an `assert` or `pytest.raises`, in themselves or in a helper they call."""
    faults = []
    for path in workspace.files("tests/**/test_*.py", "packages/*/tests/**/test_*.py"):
        functions = _functions(path)
        shared = {
            name: node
            for conftest in (path.with_name("conftest.py"), path.parent.parent / "conftest.py")
            if conftest.exists()
            for name, node in _functions(conftest).items()
        }
        faults += [
            f"{path.relative_to(workspace.root)}:{node.lineno}: {name} asserts nothing"
            for name, node in functions.items()
            if name.startswith("test") and name not in ALLOWED and not _checks(node, shared | functions, set())
        ]
    return faults


def _functions(path: Path) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {
        node.name: node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _checks(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    known: dict[str, ast.FunctionDef | ast.AsyncFunctionDef],
    visited: set[str],
) -> bool:
    visited.add(node.name)
    for inner in ast.walk(node):
        match inner:
            case ast.Assert(test=test) if not isinstance(test, ast.Constant):
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id="pytest"), attr=name)) if name in _EXPECTING:
                return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in known and name not in visited:
                if _checks(known[name], known, visited):
                    return True
    return False


def test_every_test_can_fail(workspace: Workspace) -> None:
    faults = unfailing_tests(workspace)
    assert not faults, listed(faults)


def test_a_test_that_cannot_fail_is_seen(copy: Workspace) -> None:
    plant(
        copy,
        "packages/till/tests/test_leak.py",
        "import pytest\n\n\n"
        "def helper(x):\n    assert x\n\n\n"
        "def idle(x):\n    idle(x)\n\n\n"
        "def test_by_assert():\n    assert 1 + 1 == 2\n\n\n"
        "def test_by_error():\n    with pytest.raises(ValueError):\n        int('x')\n\n\n"
        "def test_by_helper():\n    helper(1)\n\n\n"
        "def test_idle():\n    idle(1)\n\n\n"
        "def test_truism():\n    assert True\n\n\n"
        "async def test_nothing():\n    print('looked at')\n",
    )
    names = [fault.split(": ")[1] for fault in unfailing_tests(copy)]
    assert names == ["test_idle asserts nothing", "test_truism asserts nothing", "test_nothing asserts nothing"]
