"""A keyset in memory: derived from its seed, with its private keys. And what is written about it on disk."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from amparo_signer.errors import KeysetRefused
from amparo_signer.keymemory import DenominationKey
from amparo_signer.protocol import PublicKeyset
from amparo_signer.schemes import Scheme

# Powers of two from 0.01 to 81.92: every wallet of the protocol can split and join them.
POWERS_OF_TWO = 14
# NUT-22: blind authentication tokens all count one.
AUTH_UNIT = "auth"
# Of a unit or period as it stands in a file name, where a letter outside ASCII takes six or more: a name has 255 at most.
LONGEST_TEXT = 96
LATEST_EXPIRY = 2**53


class KeysetName(msgspec.Struct, frozen=True):
    """What a keyset is for. The three together name it; the end is in Unix seconds."""

    unit: str
    period: str
    final_expiry: int | None


def check_name(name: KeysetName) -> None:
    """Raises `KeysetRefused`."""
    for text in (name.unit, name.period):
        if not (text and text.isprintable() and len(in_file_name(text)) <= LONGEST_TEXT):
            raise KeysetRefused(f"A keyset's unit or period is empty, unprintable or over {LONGEST_TEXT} letters.")
    if name.final_expiry is not None and not 0 < name.final_expiry < LATEST_EXPIRY:
        raise KeysetRefused("A keyset's end is no time.")


def in_file_name(text: str) -> str:
    """A unit or period as part of a file name."""
    return quote(text, safe="")


class SeedFile(msgspec.Struct, frozen=True):
    """What is sealed: everything that the keyset follows from. `id` is what must follow, so that a changed
    derivation is noticed instead of silently making another keyset."""

    version: str
    id: str
    name: KeysetName
    denominations: list[int]
    seed: bytes


class Denominations(msgspec.Struct, frozen=True):
    """How many powers of two a unit's keysets have, from 1 upwards; units that are not named have the usual number."""

    by_unit: Mapping[str, int] = msgspec.field(default_factory=dict)

    def of(self, unit: str) -> list[int]:
        """The denominations of a unit in minor units, ascending."""
        return [1 << exponent for exponent in range({AUTH_UNIT: 1, **self.by_unit}.get(unit, POWERS_OF_TWO))]


class OpenKeyset:
    """A keyset with its private keys. Printing it shows its id only."""

    def __init__(self, scheme: Scheme, seed: bytes, name: KeysetName, denominations: list[int]) -> None:
        self.scheme = scheme
        self.keys: dict[int, DenominationKey] = {amount: scheme.derive(seed, amount) for amount in denominations}
        shown = {amount: scheme.show(key) for amount, key in self.keys.items()}
        self.name = name
        self.id = scheme.id_of(shown, unit=name.unit, final_expiry=name.final_expiry)
        self.public = PublicKeyset(
            id=self.id,
            unit=name.unit,
            period=name.period,
            final_expiry=name.final_expiry,
            keys={str(amount): key for amount, key in shown.items()},
        )

    def __repr__(self) -> str:
        return f"<OpenKeyset {self.id}>"
