"""What the signer does with the keysets it holds: the four calls of `protocol.py`, for any number of threads at once."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from amparo_signer.batch import choose_engine
from amparo_signer.errors import FrameTooLarge
from amparo_signer.files import FolderLock, destroy
from amparo_signer.folder import KeyFolder, seeds_in
from amparo_signer.keymemory import DenominationKey
from amparo_signer.keyset import Denominations, KeysetName, OpenKeyset
from amparo_signer.protocol import (
    AMOUNT_UNKNOWN,
    BAD_POINT,
    KEYSET_UNKNOWN,
    PROOF_FALSE,
    Exchanged,
    ExchangeJob,
    PublicKeyset,
    ToSign,
    ToVerify,
)
from amparo_signer.schemes import Scheme, schemes
from amparo_signer.seal import DEFAULT_KEY, Seal, default_mark, default_seal

# 64 jobs of 100 inputs and 100 outputs; about a second and a half of work.
MAX_ITEMS = 64 * 201


class SignerService:
    """The keysets of a folder, opened once. `_keysets` is replaced, never changed, so reading it needs no lock;
    `_changing` is held by whoever makes or retires one."""

    def __init__(self, folder: KeyFolder, lock: FolderLock) -> None:
        self._folder = folder
        self._lock = lock
        self._changing = threading.Lock()
        self._keysets: dict[str, OpenKeyset] = {keyset.id: keyset for keyset in folder.open_all()}

    def keysets(self) -> list[PublicKeyset]:
        """Every keyset whose private keys are here, by unit, period and id."""
        public = [keyset.public for keyset in self._keysets.values()]
        return sorted(public, key=lambda each: (each.unit, each.period, each.id))

    def make_keyset(self, unit: str, period: str, final_expiry: int | None) -> PublicKeyset:
        """The keyset of these three, made on first use. Raises `KeysetRetired`, `KeysetRefused`, `CannotKeep`."""
        name = KeysetName(unit=unit, period=period, final_expiry=final_expiry)
        with self._changing:
            for keyset in self._keysets.values():
                if keyset.name == name:
                    return keyset.public
            made = self._folder.make(name)
            self._keysets = {**self._keysets, made.id: made}
        return made.public

    def retire(self, keyset_id: str) -> None:
        """Destroy the private keys of a keyset. Raises `KeysetNotHere`, `CannotKeep`. A batch that began before may
        still end with them; their memory is wiped after it."""
        with self._changing:
            keyset = self._keysets.get(keyset_id)
            if keyset is None:
                self._folder.check_retired(keyset_id)
                return
            self._folder.retire(keyset)
            self._keysets = {each: kept for each, kept in self._keysets.items() if each != keyset_id}

    def close(self) -> None:
        """Let go of the folder. No call may follow."""
        self._keysets = {}
        self._lock.close()

    def exchange(self, keysets: Sequence[str], jobs: Sequence[ExchangeJob]) -> list[Exchanged]:
        """One answer per job. All inputs of all jobs are judged in one batch, then the outputs of the jobs whose
        inputs are all genuine are signed in one batch. Raises `FrameTooLarge` above `MAX_ITEMS` of jobs, inputs, outputs."""
        if sum(1 + len(job.inputs) + len(job.outputs) for job in jobs) > MAX_ITEMS:
            raise FrameTooLarge(f"A call has more than {MAX_ITEMS} jobs, inputs and outputs.")
        held = self._keysets
        opened = [held.get(each) for each in keysets]
        traced = [_Job(job, opened) for job in jobs]
        _verify([job for job in traced if not job.refused])
        _sign([job for job in traced if not job.refused])
        return [job.answer() for job in traced]


class ChooseSeal(Protocol):
    """Gives the sealing key of a folder. `in_use` says that it has keysets, so that a new key would be wrong."""

    def __call__(self, folder: Path, *, in_use: bool) -> Seal: ...


def open_service(
    path: Path,
    seal: ChooseSeal = default_seal,
    *,
    denominations: Denominations | None = None,
    plain: bool = False,
) -> SignerService:
    """The signer of a folder, made if needed and locked until `close`. Without `seal` the sealing key is `seal-key.bin`
    in the folder. Raises `AlreadyRunning`, what `seal` raises, and what `KeyFolder.open_all` raises."""
    lock, engine = FolderLock(path), choose_engine(plain=plain)
    try:
        found = seal(path, in_use=seeds_in(path))
        return SignerService(KeyFolder(path, found, schemes(engine), denominations), lock)
    except BaseException:
        lock.close()
        raise


def reseal_folder(path: Path, old: ChooseSeal, new: ChooseSeal) -> int:
    """Seal every seed of a folder with a new key; gives their number. Raises as `open_service` does; after an
    interruption it is run again with both keys. A `seal-key.bin` that nothing needs any more is destroyed."""
    lock = FolderLock(path)
    try:
        old_seal, new_seal = old(path, in_use=True), new(path, in_use=True)
        count = KeyFolder(path, old_seal, schemes(choose_engine())).reseal(new_seal)
        if default_mark(path) not in (None, new_seal.mark):
            destroy(path / DEFAULT_KEY)
        return count
    finally:
        lock.close()


class _Lane:
    """The items of one scheme, in columns: each with its key and its place among all items of the batch."""

    __slots__ = ("keys", "places", "points", "secrets")

    def __init__(self) -> None:
        self.keys: list[DenominationKey] = []
        self.secrets: list[bytes] = []
        self.points: list[bytes] = []
        self.places: list[int] = []


class _Job:
    """One job on its way: the keys of its items, then its points and signatures, or why it is refused."""

    __slots__ = ("asked", "input_keys", "output_keys", "points", "refused", "signatures")

    def __init__(self, asked: ExchangeJob, opened: Sequence[OpenKeyset | None]) -> None:
        self.asked = asked
        self.points: list[bytes] = []
        self.signatures: list[bytes] = []
        self.refused = ""
        self.input_keys = self._keys_for(asked.inputs, opened)
        self.output_keys = self._keys_for(asked.outputs, opened)

    def _keys_for(
        self, items: Sequence[ToVerify] | Sequence[ToSign], opened: Sequence[OpenKeyset | None]
    ) -> list[tuple[Scheme, DenominationKey]]:
        found = []
        for item in items:
            keyset = opened[item.keyset] if 0 <= item.keyset < len(opened) else None
            if keyset is None:
                self.refused = KEYSET_UNKNOWN
                break
            key = keyset.keys.get(item.amount)
            if key is None:
                self.refused = self.refused or AMOUNT_UNKNOWN
                break
            found.append((keyset.scheme, key))
        return found

    def answer(self) -> Exchanged:
        """Nothing of a refused job is given out."""
        return Exchanged([], [], self.refused) if self.refused else Exchanged(self.points, self.signatures)


def _verify(jobs: Sequence[_Job]) -> None:
    lanes: dict[Scheme, _Lane] = {}
    count = 0
    for job in jobs:
        for item, (scheme, key) in zip(job.asked.inputs, job.input_keys, strict=True):
            lane = lanes.get(scheme) or lanes.setdefault(scheme, _Lane())
            lane.keys.append(key)
            lane.secrets.append(item.secret)
            lane.points.append(item.signature)
            lane.places.append(count)
            count += 1
    points = _in_order(lanes, count, lambda scheme, lane: scheme.verify(lane.keys, lane.secrets, lane.points))
    for job in jobs:
        job.points = list(itertools.islice(points, len(job.input_keys)))
        if not all(job.points):
            job.refused = PROOF_FALSE


def _sign(jobs: Sequence[_Job]) -> None:
    lanes: dict[Scheme, _Lane] = {}
    count = 0
    for job in jobs:
        for item, (scheme, key) in zip(job.asked.outputs, job.output_keys, strict=True):
            lane = lanes.get(scheme) or lanes.setdefault(scheme, _Lane())
            lane.keys.append(key)
            lane.points.append(item.blinded)
            lane.places.append(count)
            count += 1
    signatures = _in_order(lanes, count, lambda scheme, lane: scheme.sign(lane.keys, lane.points))
    for job in jobs:
        job.signatures = list(itertools.islice(signatures, len(job.output_keys)))
        if not all(job.signatures):
            job.refused = BAD_POINT


def _in_order(
    lanes: Mapping[Scheme, _Lane], count: int, ask: Callable[[Scheme, _Lane], list[bytes]]
) -> Iterator[bytes]:
    """What each scheme answers about its own items, in the order in which all items came."""
    answers = [b""] * count
    for scheme, lane in lanes.items():
        for place, answer in zip(lane.places, ask(scheme, lane), strict=True):
            answers[place] = answer
    return iter(answers)
