"""Swaps a second on one processor core, beside the ceiling that the curve's arithmetic sets: `python -m bench.swaps`.

The mint's own path: decode, check, sign, and commit in groups with fsync, in one process whose threads share one core. The
ceiling is measured in turns with it, on the same core and the same swaps. A second figure puts real HTTP in between: the
mint as its own process on one core, asked over kept connections from another.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uvloop

from amparo_cashu.wire import SwapRequest
from amparo_common.clock import SystemClock
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_mint.http import decode
from amparo_mint.keysets import SigningKeyset
from amparo_mint.operate import Operation
from amparo_mint.service import Mint
from amparo_mint.store import SCHEMA, GroupWriter, TokenHasher
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.http import answer
from amparo_service.keys import replace_file, secret_bytes, signing_key
from bench.processes import cores, on_core, prepare_log, service
from bench.report import Figure, Goal, Report, arguments, machine, middle
from bench.swap_requests import curve_operations, in_blocks, swaps

SIZES = {2: 4_000, 8: 1_280}
BLOCKS = 20
AT_ONCE = 64
CONNECTIONS = 32
GOAL = Goal(0.30, most=False)


class MintInside:
    """The mint without HTTP, built as its `__main__` builds it."""

    def __init__(self, folder: Path, key: SigningKey, log: LogFollower) -> None:
        self._database = Database(folder / "mint.sqlite", [SCHEMA])
        nowhere = Client("http://127.0.0.1:9", patience=0)
        operation = Operation(folder, self._database, key=key, log=log, shops=nowhere)
        operation.introduce()
        operation.announce_keyset("usd", "2026-10", None)
        self._hasher = TokenHasher(secret_bytes(folder, "hash-key"))
        self._mint = Mint(self._hasher, clock=SystemClock(), bridge_key=key)
        self._mint.set_keysets(operation.load_keysets())
        self._writer = GroupWriter(self._database)

    @property
    def keyset(self) -> SigningKeyset:
        """Its only keyset."""
        return self._mint.keysets()[0][0]

    async def swap(self, body: bytes) -> bytes:
        """One swap, as the route does it, from the request's bytes to the answer's."""
        job = self._mint.swap(decode(body, SwapRequest), self._hasher.request("swap", body))
        return bytes(answer(await self._writer.run(job)).body)

    async def swap_all(self, bodies: list[bytes]) -> None:
        """Many swaps, `AT_ONCE` of them waiting at any time."""
        waiting = iter(bodies)
        await asyncio.gather(*(self._work(waiting) for _ in range(AT_ONCE)))

    async def _work(self, waiting: Iterator[bytes]) -> None:
        for body in waiting:
            await self.swap(body)

    def close(self) -> None:
        """Finish."""
        self._writer.close()
        self._database.close()


def main() -> None:
    """The command."""
    given = arguments("Swaps a second on one core, beside the ceiling of the curve's arithmetic.").parse_args()
    with tempfile.TemporaryDirectory(prefix="amparo-bench-") as folder:
        _measure(Path(folder)).write(as_json=given.as_json)


def _measure(folder: Path) -> Report:
    facts = machine() | {"ms for one fsync": _fsync_ms(folder)}
    mint_folder = folder / "mint"
    mint_folder.mkdir()
    key = signing_key(mint_folder, "publish-key")
    vkey = prepare_log(folder / "log", {"mint": key})
    core, other = (cores()[0], cores()[-1]) if cores() else (None, None)
    with service("log", folder / "log") as log_url:
        with on_core(core):
            mint = MintInside(mint_folder, key, LogFollower(Client(log_url), vkey, folder / "seen"))
            keyset = mint.keyset
            found = {size: _in_turns(mint, size, count) for size, count in SIZES.items()}
            mint.close()
        config = {"log_url": log_url, "log_vkey": vkey, "shops_url": "http://127.0.0.1:9"}
        replace_file(mint_folder / "config.json", msgspec.json.encode(config))
        bodies = {size: swaps(keyset, size=size, count=count) for size, count in SIZES.items()}
        with service("mint", mint_folder, core=core) as url, on_core(other):
            over_http = {size: _over_http(url, each) for size, each in bodies.items()}
    return Report(
        "Swaps of the mint on one core, with fsync",
        facts,
        [
            *(_inside(size, *found[size]) for size in SIZES),
            *(_through_http(size, over_http[size], found[size][1]) for size in SIZES),
        ],
        [
            "The ceiling counts, with the mint's own functions: per input hash-to-curve, reading the token's point and one"
            " multiplication; per output reading",
            "the point, two multiplications and one of the generator. The multiplications are the constant-time ones.",
        ],
    )


def _in_turns(mint: MintInside, size: int, count: int) -> tuple[float, float]:
    """Swaps a second of the mint, and of the ceiling: the middle of several turns."""
    ours, ceiling, nonce = [], [], b"\x01" * 32
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for block in in_blocks(swaps(mint.keyset, size=size, count=count), BLOCKS):
            began = time.perf_counter()
            runner.run(mint.swap_all(block))
            ours.append(len(block) / (time.perf_counter() - began))
            requests = [msgspec.json.decode(body, type=SwapRequest) for body in block]
            began = time.perf_counter()
            for request in requests:
                curve_operations(mint.keyset, request, nonce)
            ceiling.append(len(block) / (time.perf_counter() - began))
    return middle(ours), middle(ceiling)


def _fsync_ms(folder: Path) -> float:
    """What one small write and its flush take on this disk."""
    taken = []
    with (folder / "flush").open("wb") as file:
        for _ in range(20):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return middle(taken) * 1000


def _over_http(url: str, bodies: list[bytes]) -> float:
    """Swaps a second through the real service."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    requests = [
        b"POST /v1/swap HTTP/1.1\r\nhost: mint\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        % len(body)
        + body
        for body in bodies
    ]
    first, rest = requests[: CONNECTIONS * 2], requests[CONNECTIONS * 2 :]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_ask_all(host, int(port), first))  # the first ones warm everything up
        began = time.perf_counter()
        runner.run(_ask_all(host, int(port), rest))
        return len(rest) / (time.perf_counter() - began)


async def _ask_all(host: str, port: int, requests: list[bytes]) -> None:
    waiting = iter(requests)
    await asyncio.gather(*(_ask(host, port, waiting) for _ in range(CONNECTIONS)))


async def _ask(host: str, port: int, waiting: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for request in waiting:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        body = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"The mint refused a swap: {body.decode()}")
    writer.close()
    await writer.wait_closed()


def _inside(size: int, ours: float, ceiling: float) -> Figure:
    return Figure(
        f"{size} tokens for {size}, the mint's own path",
        ours,
        "swaps/s",
        f"{ours * 3600 / 1e6:.1f} million purchases an hour on one core, each on the disk before it is answered.",
        "the curve's arithmetic alone",
        ceiling,
        GOAL,
    )


def _through_http(size: int, ours: float, ceiling: float) -> Figure:
    return Figure(
        f"{size} tokens for {size}, over HTTP",
        ours,
        "swaps/s",
        f"The same with HTTP around it, {CONNECTIONS} connections; the asking program runs on another core.",
        "the curve's arithmetic alone",
        ceiling,
    )


if __name__ == "__main__":
    main()
