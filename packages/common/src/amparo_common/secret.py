"""Bytes that must not be printed: `repr` and `str` show `<secret>`."""

from typing import final


@final
class Secret:
    """Holds secret bytes. Only `reveal()` gives them back; printing, logging or formatting shows `<secret>`."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """The bytes themselves. Call where they are used, never where they are shown."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<secret>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled")
