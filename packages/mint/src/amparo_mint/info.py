"""NUT-01, 02, 06: what the mint says about itself and its keysets, made from what is really on. The same bytes for everybody."""

from collections.abc import Mapping, Sequence

from amparo_cashu.errors import KeysetUnknown
from amparo_cashu.wire import (
    BatchSetting,
    BlindAuthSetting,
    CacheSetting,
    ClearAuthSetting,
    Endpoint,
    KeysAnswer,
    Keyset,
    KeysetInfo,
    KeysetsAnswer,
    MethodSetting,
    MethodsSetting,
    MintInfo,
    Nuts,
    SocketSetting,
    Supported,
)
from amparo_common.money import MOST_MINOR_UNITS, Unit
from amparo_mint.asgi import Static
from amparo_mint.catalogue import MOST_INPUTS, Catalogue, Listed, always_claimable

_ON = Supported(supported=True)
_REPEATABLE = ("/v1/swap", "/v1/mint/benefit", "/v1/mint/benefit/batch", "/v1/melt/settle")


class KeyPages:
    """The answers about the keysets of a catalogue, made once: at `now` (unix time), and again when one of them ends."""

    def __init__(self, catalogue: Catalogue, now: int) -> None:
        listed = catalogue.listed
        self.active = Static.of(KeysAnswer([_public(each, now) for each in listed if each.signs_at(now)]))
        self.keysets = Static.of(KeysetsAnswer([_info(each, now) for each in listed]))
        self._by_id = {str(each.row.id): Static.of(KeysAnswer([_public(each, now)])) for each in listed}

    def of(self, keyset: str) -> Static:
        """The answer about one keyset. Raises `KeysetUnknown`."""
        found = self._by_id.get(keyset)
        if found is None:
            raise KeysetUnknown("There is no such keyset.")
        return found


def _public(each: Listed, now: int) -> Keyset:
    keys = {str(amount): key for amount, key in each.keys.items()}
    return Keyset(each.row.id, each.row.unit, keys, active=each.signs_at(now), final_expiry=each.row.final_expiry)


def _info(each: Listed, now: int) -> KeysetInfo:
    return KeysetInfo(each.row.id, each.row.unit, active=each.signs_at(now), final_expiry=each.row.final_expiry)


def _methods(method: str, most: Mapping[Unit, int]) -> MethodsSetting:
    return MethodsSetting(
        [
            MethodSetting(method, unit, min_amount=1, max_amount=min(amount, MOST_MINOR_UNITS))
            for unit, amount in most.items()
        ]
    )


def describe(
    units: Mapping[Unit, Sequence[int]],
    *,
    sockets: SocketSetting | None = None,
    clear_auth: ClearAuthSetting | None = None,
    blind_auth: BlindAuthSetting | None = None,
) -> MintInfo:
    """The answer to /v1/info. `units`: the denominations of each unit that is signed."""
    return MintInfo(
        name="Amparo",
        version="Amparo/0.1.0",
        description="Aid that can be spent without being watched.",
        nuts=Nuts(
            # Every amount up to these; some above them too, where few coins make them.
            mint=_methods("benefit", {unit: always_claimable(each) for unit, each in units.items()}),
            melt=_methods("settle", {unit: MOST_INPUTS * max(each) for unit, each in units.items()}),
            state_check=_ON,
            restore=_ON,
            conditions=_ON,
            pay_to_key=_ON,
            signature_proofs=_ON,
            sockets=sockets,
            # Without end: a repeated request is known from what it did, not from a memory that could be lost.
            cache=CacheSetting(None, [Endpoint("POST", path) for path in _REPEATABLE]),
            quote_keys=_ON,
            clear_auth=clear_auth,
            blind_auth=blind_auth,
            batch=BatchSetting(max_batch_size=MOST_INPUTS, methods=["benefit"]),
        ),
    )
