"""What a household must keep to, as pure decisions."""

from collections.abc import Collection

from amparo_office.errors import CollectorsRefused

Facts = dict[str, int | None]


def check_collectors(primary: int, alternate: int | None, among: Collection[int]) -> None:
    """Raises `CollectorsRefused` unless they are two different people among these, or one."""
    if primary == alternate:
        raise CollectorsRefused("The alternate collector is the primary one.")
    if primary not in among or (alternate is not None and alternate not in among):
        raise CollectorsRefused("A collector is not in the register.")
