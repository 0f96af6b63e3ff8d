"""Starter rules, read as package data: examples to begin from, and what the demo town publishes."""

from importlib import resources

NAMES = ("food-basket", "health-visit")


def starter(name: str) -> str:
    """The text of a starter rule, by its name in `NAMES`."""
    return resources.files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
