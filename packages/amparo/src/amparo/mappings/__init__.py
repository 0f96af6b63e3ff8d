"""Mapping files that come with Amparo, read as package data."""

from importlib import resources

SHIPPED = ("town", "world-bank-survey")


def shipped(name: str) -> str:
    """The text of a mapping file that comes with Amparo, by its name in `SHIPPED`."""
    return resources.files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
