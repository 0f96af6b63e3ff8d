"""Keysets: private keys per denomination, derived from a seed of its own, announced in the public log before use.

One keyset per unit, period and end. LIMIT: the seeds are files in the mint's folder (mode 0600); a signer process that alone
holds the keys comes in a later release.
"""

import hashlib
import hmac
from pathlib import Path
from urllib.parse import quote

import msgspec
from coincurve import PublicKey

from amparo_cashu.curve import ORDER, generator_times, show_point
from amparo_cashu.nut02_keyset import keyset_id
from amparo_cashu.wire import Keyset
from amparo_common.ids import KeysetId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_service.keys import secret_bytes

# Powers of two from 0.01 to 81.92: every wallet of the protocol can split and join them.
DENOMINATIONS = tuple(1 << exponent for exponent in range(14))


class DenominationKey(msgspec.Struct, frozen=True):
    """The key that signs one denomination."""

    secret: Secret
    public: PublicKey


class SigningKeyset:
    """A keyset with its private keys. Printing it shows its id only."""

    def __init__(self, unit: Unit, seed: Secret, *, final_expiry: int | None) -> None:
        self.unit = unit
        self.final_expiry = final_expiry
        self.keys = {amount: _derive(seed, amount) for amount in DENOMINATIONS}
        shown = {amount: show_point(key.public) for amount, key in self.keys.items()}
        self.id = KeysetId(keyset_id(shown, unit=unit, final_expiry=final_expiry))
        self.public_keys = {str(amount): key for amount, key in shown.items()}

    def __repr__(self) -> str:
        return f"<SigningKeyset {self.id}>"

    def public(self, *, active: bool) -> Keyset:
        """The keyset as NUT-01 shows it."""
        return Keyset(id=self.id, unit=self.unit, keys=self.public_keys, active=active, final_expiry=self.final_expiry)


def _derive(seed: Secret, amount: int) -> DenominationKey:
    data = hmac.new(seed.reveal(), b"amparo keyset key" + amount.to_bytes(8, "big"), hashlib.sha512).digest()
    scalar = (int.from_bytes(data, "big") % (ORDER - 1) + 1).to_bytes(32, "big")
    return DenominationKey(secret=Secret(scalar), public=generator_times(scalar))


def load_keyset(folder: Path, unit: Unit, period: str, *, final_expiry: int | None) -> SigningKeyset:
    """The keyset of a unit, period and end; its seed is made on first use."""
    return SigningKeyset(unit, secret_bytes(folder, _seed_name(unit, period, final_expiry)), final_expiry=final_expiry)


def _seed_name(unit: Unit, period: str, final_expiry: int | None) -> str:
    # No two keysets share a name, or a key would sign for both: a plus sign inside a part is quoted.
    end = "none" if final_expiry is None else str(final_expiry)
    return "+".join(("keyset", quote(unit, safe=""), quote(period, safe=""), end))
