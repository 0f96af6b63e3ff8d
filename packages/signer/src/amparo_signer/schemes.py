"""How keysets sign, by version: the first byte of a keyset's id. A new version is one class and one line in `schemes`.

Version "01" is secp256k1 blind Diffie-Hellman (NUT-00) with ids of NUT-02 version 2 and proofs of NUT-12.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Protocol

from amparo_cashu.curve import ORDER, show_point
from amparo_cashu.nut02_keyset import VERSION, keyset_id
from amparo_signer.batch import Engine
from amparo_signer.keymemory import DenominationKey


class Scheme(Protocol):
    """One way of signing. A key is made by `derive` and used by the same scheme only."""

    version: str

    def derive(self, seed: bytes, amount: int) -> DenominationKey:
        """The key of one denomination; the same seed and amount give the same key for ever."""
        ...

    def id_of(self, keys: Mapping[int, str], *, unit: str, final_expiry: int | None) -> str:
        """The id that commits to these public keys. Begins with `version`."""
        ...

    def show(self, key: DenominationKey) -> str:
        """The public key in hex, as NUT-01 shows it."""
        ...

    def verify(
        self, keys: Sequence[DenominationKey], secrets: Sequence[bytes], signatures: Sequence[bytes]
    ) -> list[bytes]:
        """The point Y of each genuine token, b"" for one that is not."""
        ...

    def sign(self, keys: Sequence[DenominationKey], blinded: Sequence[bytes]) -> list[bytes]:
        """The signature and proof on each output, b"" for one that is no point."""
        ...


class Secp256k1Scheme:
    """Version "01"."""

    version = VERSION

    def __init__(self, engine: Engine) -> None:
        self.verify = engine.verify
        self.sign = engine.sign

    def derive(self, seed: bytes, amount: int) -> DenominationKey:
        """HMAC-SHA512 of the amount under the seed, reduced: the bias of 2^-256 is nothing."""
        data = hmac.new(seed, b"amparo keyset key" + amount.to_bytes(8, "big"), hashlib.sha512).digest()
        scalar = int.from_bytes(data, "big") % (ORDER - 1) + 1
        return DenominationKey(scalar.to_bytes(32, "big"))

    def id_of(self, keys: Mapping[int, str], *, unit: str, final_expiry: int | None) -> str:
        """NUT-02's id of version 2."""
        return keyset_id(keys, unit=unit, final_expiry=final_expiry)

    def show(self, key: DenominationKey) -> str:
        """The compressed point."""
        return show_point(key.public)


def schemes(engine: Engine) -> dict[str, Scheme]:
    """Every scheme of this release by its version."""
    return {scheme.version: scheme for scheme in (Secp256k1Scheme(engine),)}
