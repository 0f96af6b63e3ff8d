"""docs/formats/mint-openapi.yaml, the description of the mint's addresses, as data."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

DESCRIPTION = Path(__file__).parents[2] / "docs" / "formats" / "mint-openapi.yaml"


@cache
def described() -> dict[str, Any]:
    """The whole of it, as it is written."""
    found: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text())
    return found


def operations() -> list[tuple[str, str]]:
    """Every path and method that it names."""
    return [(path, method.upper()) for path, methods in described()["paths"].items() for method in methods]


def resolved(part: Any) -> Any:
    """A part of it with each reference replaced by what it names."""
    if isinstance(part, list):
        return [resolved(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found: Any = described()
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return resolved(found)
    return {key: resolved(each) for key, each in part.items()}


def schema(name: str) -> dict[str, Any]:
    """One of its schemas, without references; parts of one that stand in `allOf` joined."""
    found: dict[str, Any] = resolved(described()["components"]["schemas"][name])
    for part in found.pop("allOf", []):
        found["properties"] = found.get("properties", {}) | part["properties"]
        found["required"] = found.get("required", []) + part["required"]
    return found
