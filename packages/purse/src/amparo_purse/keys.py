"""The keysets that a device believes in: those of the public log, and among them the one of today, whatever the mint says.

The log is asked anew each time it is about today's keyset, so that a mint cannot serve an old keyset to those who looked a while
ago. A coin is judged by the keys of the log, without a connection once the log is known.
"""

from collections.abc import Callable

from amparo_cashu.errors import KeysetNotInLog, UnitsDiffer, UnitUnknown
from amparo_cashu.schemes import check_keyset, scheme_of
from amparo_cashu.wire import Keyset, KeysetsAnswer, Proof
from amparo_common.bridge import KeysetAnnounced
from amparo_common.money import Unit
from amparo_log.follow import LogFollower
from amparo_log.view import MOST_KEYSETS, LogView
from amparo_purse.calendar import current_keyset
from amparo_purse.errors import KeysetNotCurrent, TooManyKeysets
from amparo_service.client import Client

KEYSETS = "/v1/keysets"


class Keys:
    """What a mint's keysets are, by the log. `now` gives this moment in unix time."""

    def __init__(self, *, mint: Client, log: LogFollower, now: Callable[[], int]) -> None:
        self._mint = mint
        self._log = log
        self._now = now

    def log(self) -> LogView:
        """The public log as last seen."""
        return self._log.view()

    def fresh_log(self) -> LogView:
        """The public log as it is now."""
        return self._log.refresh()

    def today(self, unit: str, *, path: str = KEYSETS) -> KeysetAnnounced:
        """The keyset of today, when mint and log agree on it. Raises what `active` raises."""
        return self.keyset(self.active(unit, path=path))

    def keyset(self, keyset: str) -> KeysetAnnounced:
        """A keyset as the log has it; its id commits to its keys. Raises `KeysetNotInLog`, `KeysetUnknown`."""
        found = self._log.view().keyset(keyset) or self._log.refresh().keyset(keyset)
        if found is None:
            raise KeysetNotInLog("A keyset is not in the public log.")
        check_keyset(Keyset(id=found.keyset, unit=found.unit, keys=found.keys, final_expiry=found.final_expiry))
        return found

    def active(self, unit: str, *, path: str = KEYSETS) -> str:
        """The keyset that the mint says (at `path`) it signs a unit with, when the log of this moment says the same. Raises
        `KeysetNotInLog`, `KeysetNotCurrent`, `KeysetUnknown`, `TooManyKeysets`, `UnitUnknown`."""
        offered = [each.id for each in self._mint.get(path, KeysetsAnswer).keysets if each.active and each.unit == unit]
        if not offered:
            raise UnitUnknown("The mint has no active keyset of this unit.")
        view = self._log.refresh()
        if view.keysets_begun(Unit(unit), self._now()) > MOST_KEYSETS:
            raise TooManyKeysets("The mint announces one keyset after another.")
        current = current_keyset(view, unit, self._now())
        if current is not None and current.keyset in offered:
            return current.keyset
        for each in offered:
            if self.keyset(each).unit != unit:
                raise KeysetNotInLog("The mint's keyset of this unit is of another unit in the public log.")
        raise KeysetNotCurrent("The mint's keyset of this unit is not the one of today in the public log.")

    def check_known(self, proof: Proof, unit: str) -> None:
        """Raises unless a received coin is of this unit and its keyset has its amount. Whether it is genuine the mint says
        when it is changed; a coin that brings its proof is checked here too. Raises `UnitsDiffer`, `KeysetNotInLog`."""
        if proof.dleq is None:
            self._key_of(proof, unit)
        else:
            self.check_genuine(proof, unit)

    def check_genuine(self, proof: Proof, unit: str) -> None:
        """Raises unless a received coin is of this unit and was made with a key in the log. Works without a connection once
        the log is known."""
        scheme_of(proof.id).check(proof, self._key_of(proof, unit))

    def _key_of(self, proof: Proof, unit: str) -> str:
        keyset = self.keyset(proof.id)
        if keyset.unit != unit:
            raise UnitsDiffer("A coin is of another unit.")
        if str(proof.amount) not in keyset.keys:
            raise KeysetNotInLog("A coin has an amount that its keyset does not have.")
        return keyset.keys[str(proof.amount)]
