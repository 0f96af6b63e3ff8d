"""The import-linter contract "no module reaches two sides", loaded by `[tool.importlinter]` in the root `pyproject.toml`.

It catches what layers and forbidden lists miss: a helper in an allowed place that imports one side on its left and another
on its right. A module also reaches what the `__init__` of every package around an imported module imports, because Python
runs it. Cannot catch: dynamic imports (`tests/tidy/test_dynamic_imports.py`) and packages that are not listed as roots
(`tests/tidy/test_packages.py`).
"""

from collections import deque
from typing import Any, cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OneSideContract(Contract):
    """No module outside `may_reach_several` reaches more than one of `people`, `token` and `shops`, even indirectly."""

    type_name = "one_side"

    people = fields.SetField(subfield=fields.StringField())
    token = fields.SetField(subfield=fields.StringField())
    shops = fields.SetField(subfield=fields.StringField())
    may_reach_several = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 - import-linter's interface
        """Kept when no module reaches two sides; otherwise `joins` has, per module, a way to each side it reaches."""
        side_of = {
            package: side for side in ("people", "token", "shops") for package in cast("set[str]", getattr(self, side))
        }
        free = cast("set[str]", self.may_reach_several)
        _refuse_unknown(graph, set(side_of) | free)
        joins = {}
        for module in sorted(graph.modules):
            if _root(module) in free or graph.is_module_squashed(module):
                continue
            ways = _ways(graph, module, side_of)
            if len(ways) > 1:
                joins[module] = ways
        return ContractCheck(kept=not joins, metadata={"joins": joins})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print every module that joins sides, with a way to each side."""
        joins = cast("dict[str, dict[str, list[str]]]", check.metadata["joins"])
        for module, ways in joins.items():
            output.print_error(f"{module} reaches {len(ways)} sides:")
            for side, way in sorted(ways.items()):
                output.print(f"  {side}: {' -> '.join(way)}")
            output.new_line()


def _root(module: str) -> str:
    return module.partition(".")[0]


def _refuse_unknown(graph: ImportGraph, packages: set[str]) -> None:
    """A misspelt package would silently guard nothing."""
    missing = packages - graph.modules
    if missing:
        raise ValueError(f"No such package: {', '.join(sorted(missing))}.")


def _ways(graph: ImportGraph, start: str, side_of: dict[str, str]) -> dict[str, list[str]]:
    """For each side that `start` is on or reaches: the shortest chain of modules to it."""
    before: dict[str, str | None] = {start: None}
    found: dict[str, list[str]] = {}
    waiting = deque([start])
    while waiting:
        module = waiting.popleft()
        side = side_of.get(_root(module))
        if side is not None and side not in found:
            found[side] = _chain(before, module)
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            for each in _with_parents(imported):
                if each not in before:
                    before[each] = module
                    waiting.append(each)
    return found


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _chain(before: dict[str, Any], module: str) -> list[str]:
    chain = [module]
    while before[chain[0]] is not None:
        chain.insert(0, before[chain[0]])
    return chain
