"""The curve's arithmetic alone, as the signer does it: `python -m bench.ceiling`. What no mint on this core can pass.

The signer's own engine in batches of 64 swaps, in one thread: every input verified, every output signed with its proof, all
multiplications with private keys in constant time. Not counted: sockets, HTTP, JSON, the database.
"""

import itertools
import secrets
import time
from collections.abc import Sequence

import msgspec

from amparo_cashu.curve import ORDER, hash_to_curve, multiply
from amparo_cashu.nut00_blind import blind
from amparo_signer.batch import choose_engine
from amparo_signer.keymemory import DenominationKey
from bench.processes import on_core
from bench.report import Figure, Report, arguments, machine, middle

SIZES = (2, 8)
SWAPS_IN_BATCH = 64
AMOUNTS = 8


class Ceiling(msgspec.Struct, frozen=True):
    """Swaps a second, and milliseconds of the processor for a swap, by the number of inputs and outputs."""

    engine: str
    per_second: dict[int, float]
    cpu_ms: dict[int, float]


class _Batch(msgspec.Struct, frozen=True):
    """Inputs and outputs of `SWAPS_IN_BATCH` swaps."""

    keys: Sequence[DenominationKey]
    secrets: Sequence[bytes]
    signatures: Sequence[bytes]
    blinded: Sequence[bytes]


class Arithmetic:
    """Measures the arithmetic of swaps of one size, as often as one likes: on a machine with neighbours, beside what it is compared
    with, and in turns with it."""

    def __init__(self, size: int) -> None:
        self._engine = choose_engine()
        self._batch = _make(size)
        self.walls: list[float] = []
        self.cpus: list[float] = []

    def run(self, seconds: float) -> None:
        """Some batches more."""
        batch, until = self._batch, time.perf_counter() + seconds
        while time.perf_counter() < until:
            began, cpu = time.perf_counter(), time.thread_time()
            points = self._engine.verify(batch.keys, batch.secrets, batch.signatures)
            signed = self._engine.sign(batch.keys, batch.blinded)
            self.walls.append(time.perf_counter() - began)
            self.cpus.append(time.thread_time() - cpu)
            if not all(points) or not all(signed):
                raise SystemExit("The engine refuses genuine tokens.")

    @property
    def per_second(self) -> float:
        """Swaps a second, in the middle of all batches."""
        return SWAPS_IN_BATCH / middle(self.walls)

    @property
    def slowest_ms(self) -> float:
        """Milliseconds for a swap in the slowest of all batches: what the machine alone does to somebody who waits."""
        return 1000 / SWAPS_IN_BATCH * max(self.walls)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of the processor for a swap, in the middle of all batches."""
        return 1000 / SWAPS_IN_BATCH * middle(self.cpus)


def measure(seconds: float) -> Ceiling:
    """The middle of several batches, for each size."""
    found = {size: Arithmetic(size) for size in SIZES}
    for each in found.values():
        each.run(seconds)
    return Ceiling(
        choose_engine().name,
        {size: each.per_second for size, each in found.items()},
        {size: each.cpu_ms for size, each in found.items()},
    )


def _make(size: int) -> _Batch:
    count = SWAPS_IN_BATCH * size
    scalars = [_scalar() for _ in range(AMOUNTS)]
    owners = list(itertools.islice(itertools.cycle(zip(scalars, map(DenominationKey, scalars), strict=True)), count))
    words = [secrets.token_hex(32) for _ in range(count)]
    return _Batch(
        keys=[key for _, key in owners],
        secrets=[word.encode() for word in words],
        signatures=[
            multiply(hash_to_curve(word.encode()), scalar).format()
            for word, (scalar, _) in zip(words, owners, strict=True)
        ],
        blinded=[blind(word, _scalar()).format() for word in words],
    )


def _scalar() -> bytes:
    return (secrets.randbelow(ORDER - 1) + 1).to_bytes(32, "big")


def main() -> None:
    """The command."""
    parser = arguments("The curve's arithmetic alone, on one core.")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each size (default: 3)")
    parser.add_argument("--core", type=int, help="run on this processor core alone")
    given = parser.parse_args()
    with on_core(given.core):
        found = measure(given.seconds)
    report = Report(
        "The curve's arithmetic alone, one thread",
        machine() | {"engine": found.engine},
        [
            Figure(
                f"{size} inputs and {size} outputs",
                rate,
                "swaps/s",
                f"No mint passes it on this core; {found.cpu_ms[size]:.3f} ms of the processor for a swap.",
            )
            for size, rate in found.per_second.items()
        ],
    )
    report.write(as_json=given.as_json)


if __name__ == "__main__":
    main()
