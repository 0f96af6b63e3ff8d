"""Every package is known to every list that guards it, says what it may know, and declares what it imports."""

import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from tests.tidy.tree import Workspace, distribution_name, import_name, imports, listed, plant, string_constants

# Declared and rightly never imported.
LOADED_BY_OTHERS = {
    ("office", "psycopg"): "Django's PostgreSQL backend loads it and declares neither it nor its rival",
    ("staff", "argon2-cffi"): "Django's password hasher loads it by name",
    ("service", "httptools"): "uvicorn's HTTP protocol loads it and leaves declaring it to whoever uses that",
    ("mint", "websockets"): "uvicorn's websocket protocol loads it and leaves declaring it to whoever uses that",
    ("cashu", "cffi"): "coincurve's compiled half loads _cffi_backend and coincurve 21 does not declare it",
}
README_LINES = 10
README_PARTS = ("Does", "May know", "Must never know")


# --- the lists -----------------------------------------------------------------------------------------------------------


def lists_that_miss_a_package(workspace: Workspace) -> list[str]:
    """The lists of the root `pyproject.toml` that differ from the folders under `packages/`."""
    tool = workspace.settings["tool"]
    modules = {import_name(package) for package in workspace.packages}
    lists: dict[str, set[str]] = {
        "import-linter's root_packages": set(tool["importlinter"]["root_packages"]),
        "the layers contract": _layered(tool["importlinter"]["contracts"]),
        "coverage's source_pkgs": set(tool["coverage"]["run"]["source_pkgs"]),
        "mypy_path": {
            import_name(entry.split("/")[1]) for entry in tool["mypy"]["mypy_path"].split(":") if entry.endswith("/src")
        },
        "uv's sources": {name.replace("-", "_") for name in tool["uv"]["sources"]},
        "the packages' own names": {
            str(workspace.project(package)["name"]).replace("-", "_") for package in workspace.packages
        },
        "the source folders": {module.dotted.partition(".")[0] for module in workspace.modules()},
    }
    return [f"{name} differs in {sorted(found ^ modules)}" for name, found in lists.items() if found != modules]


def _layered(contracts: Iterable[Mapping[str, Any]]) -> set[str]:
    return {
        name.strip()
        for contract in contracts
        if contract["type"] == "layers"
        for layer in contract["layers"]
        for name in layer.split("|")
    }


def test_every_list_names_every_package(workspace: Workspace) -> None:
    faults = lists_that_miss_a_package(workspace)
    assert not faults, listed(faults)


def test_an_unlisted_package_is_seen(copy: Workspace) -> None:
    plant(copy, "packages/extra/pyproject.toml", '[project]\nname = "amparo-extra"\n')
    plant(copy, "packages/extra/src/amparo_extra/__init__.py", "")
    faults = lists_that_miss_a_package(copy)
    assert len(faults) == 5
    assert all("amparo_extra" in fault for fault in faults)


# --- what installing brings along ------------------------------------------------------------------------------------------


def installed_across_a_wall(workspace: Workspace) -> list[str]:
    """Packages whose declared dependencies bring along, directly or not, what the contracts forbid them to import."""
    walls = workspace.walls()
    return [
        f"installing {package} brings {each}"
        for package in workspace.packages
        for each in sorted(workspace.needs(package) & walls[package])
    ]


def test_installing_a_package_brings_nothing_from_beyond_its_walls(workspace: Workspace) -> None:
    faults = installed_across_a_wall(workspace)
    assert not faults, listed(faults)


def test_a_dependency_across_a_wall_is_seen(copy: Workspace) -> None:
    settings = copy.root / "packages/log/pyproject.toml"
    text = settings.read_text()
    settings.write_text(text.replace('"amparo-common==0.1.0",', '"amparo-common==0.1.0", "amparo-rules==0.1.0",'))
    assert installed_across_a_wall(copy) == [
        f"installing {each} brings rules" for each in ("apps", "log", "mint", "purse", "shops", "till")
    ]


# --- the READMEs ---------------------------------------------------------------------------------------------------------


def poor_readmes(workspace: Workspace) -> list[str]:
    """Packages whose README does not say what it does, what it may know and what it must never know."""
    faults = []
    for package in workspace.packages:
        path = workspace.root / "packages" / package / "README.md"
        text = path.read_text() if path.exists() else ""
        if len(text.splitlines()) < README_LINES:
            faults.append(f"packages/{package}/README.md has fewer than {README_LINES} lines")
        for part in README_PARTS:
            if not re.search(rf"^(#+ |\*\*){part}\b", text, re.MULTILINE):
                faults.append(f"packages/{package}/README.md has no part {part!r}")
    return faults


def test_every_package_says_what_it_must_never_know(workspace: Workspace) -> None:
    faults = poor_readmes(workspace)
    assert not faults, listed(faults)


def test_a_readme_without_a_part_is_seen(copy: Workspace) -> None:
    path = copy.root / "packages/mint/README.md"
    path.write_text(path.read_text().replace("**Must never know", "**Never knows"))
    assert poor_readmes(copy) == ["packages/mint/README.md has no part 'Must never know'"]
    path.unlink()
    assert len(poor_readmes(copy)) == 1 + len(README_PARTS)


# --- the dependencies ----------------------------------------------------------------------------------------------------


def wrong_dependencies(workspace: Workspace, provided_by: Mapping[str, list[str]]) -> list[str]:
    """Imports that a package does not declare, and declarations that it does not use. `provided_by` says which installed
    distributions bring an import name. A name given as a text counts as used: `loop="uvloop"`, `files("sepaxml")`."""
    faults = []
    for package in workspace.packages:
        project = workspace.project(package)
        optional = [each for extra in project.get("optional-dependencies", {}).values() for each in extra]
        declared = {_requirement(each)[0] for each in (*project.get("dependencies", []), *optional)}
        used: dict[str, str] = {}
        named: set[str] = set()
        for module in workspace.modules(package):
            for node, dotted in imports(module.tree):
                top = dotted.partition(".")[0]
                if top in sys.stdlib_module_names or top == import_name(package):
                    continue
                names = provided_by.get(top) or [top]
                used.setdefault(_normal(names[0]), module.at(node))
            named |= {text for _, text in string_constants(module.tree)}
        named_distributions = {_normal(each) for name in named for each in provided_by.get(name, [])}
        faults += [f"{used[name]}: {package} imports {name} and does not declare it" for name in set(used) - declared]
        faults += [
            f"packages/{package}/pyproject.toml declares {name} and does not use it"
            for name in declared - set(used) - named_distributions
            # The umbrella starts services as processes and brings everything, see the last test.
            if (package, name) not in LOADED_BY_OTHERS and not (package == "amparo" and name.startswith("amparo-"))
        ]
    return sorted(faults)


def different_ranges(workspace: Workspace) -> list[str]:
    """Dependencies that two packages declare with different ranges."""
    ranges: dict[str, dict[str, list[str]]] = {}
    for package in workspace.packages:
        for each in workspace.project(package).get("dependencies", []):
            name, versions = _requirement(each)
            ranges.setdefault(name, {}).setdefault(versions, []).append(package)
    return [f"{name} is declared differently: {found}" for name, found in ranges.items() if len(found) > 1]


def _requirement(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"([A-Za-z0-9._-]+)(.*)", text)
    assert match is not None
    return _normal(match[1]), match[2].strip()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture
def provided_by() -> Mapping[str, list[str]]:
    """The installed distributions by what they let one import; our own ones by their folder."""
    ours = {import_name(each): [distribution_name(each)] for each in Workspace().packages}
    return {name: sorted(set(found)) for name, found in importlib.metadata.packages_distributions().items()} | ours


def test_every_package_declares_what_it_imports_and_no_more(
    workspace: Workspace, provided_by: Mapping[str, list[str]]
) -> None:
    faults = wrong_dependencies(workspace, provided_by)
    assert not faults, listed(faults)


def test_a_dependency_has_one_range_everywhere(workspace: Workspace) -> None:
    faults = different_ranges(workspace)
    assert not faults, listed(faults)


def test_an_undeclared_import_and_an_unused_declaration_are_seen(
    copy: Workspace, provided_by: Mapping[str, list[str]]
) -> None:
    before = set(wrong_dependencies(copy, provided_by))
    plant(copy, "packages/till/src/amparo_till/leak.py", "import amparo_rules\nimport yaml\n")
    settings = copy.root / "packages/common/pyproject.toml"
    settings.write_text(settings.read_text().replace('"msgspec>=0.19"', '"msgspec>=0.18", "httpx2>=2.10"'))
    assert {
        "packages/common/pyproject.toml declares httpx2 and does not use it",
        "packages/till/src/amparo_till/leak.py:1: till imports amparo-rules and does not declare it",
        "packages/till/src/amparo_till/leak.py:2: till imports pyyaml and does not declare it",
    } == set(wrong_dependencies(copy, provided_by)) - before
    assert [fault.partition(" ")[0] for fault in different_ranges(copy)] == ["msgspec"]


def test_the_lock_holds_what_the_packages_declare(workspace: Workspace) -> None:
    """A declared dependency that is not in `requirements.lock` would be installed in any version."""
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (workspace.root / "requirements.lock").read_text(), re.MULTILINE))
    declared = {
        _requirement(each)[0]
        for package in workspace.packages
        for each in workspace.project(package).get("dependencies", [])
    }
    assert {name for name in declared if not name.startswith("amparo")} <= locked
    assert not {name for name in locked if name.startswith("amparo")}


def test_the_umbrella_declares_every_other_package(workspace: Workspace) -> None:
    """Installing `amparo` brings everything; installing a service brings that service only."""
    table = tomllib.loads((workspace.root / "packages/amparo/pyproject.toml").read_text())
    declared = {_requirement(each)[0] for each in table["project"]["dependencies"]}
    assert {distribution_name(each) for each in workspace.packages} - {"amparo"} <= declared
