"""What goes to the signer at once: as many batches as the mint has cores, and none of them with another one's share."""

import asyncio

from amparo_cashu.wire import BlindedMessage, Proof
from amparo_mint.signing import MOST_AT_SIGNER, SigningDesk
from amparo_signer.protocol import Exchanged, ExchangeJob

POINT = "02" + "11" * 32
EIGHT = 8


class SlowSigner:
    """Takes every token, and notes how many points each batch had and how many batches it had at once."""

    def __init__(self) -> None:
        self.points: list[int] = []
        self.running = self.most_running = 0

    async def exchange(self, keysets: list[str], jobs: list[ExchangeJob]) -> list[Exchanged]:
        """Answers a moment later."""
        del keysets
        self.points.append(sum(len(job.inputs) + len(job.outputs) for job in jobs))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0.01)
        self.running -= 1
        return [Exchanged([bytes(33)] * len(job.inputs), [bytes(97)] * len(job.outputs)) for job in jobs]


def asked_by(connections: int, *, workers: int) -> SlowSigner:
    """What the signer saw of so many swaps of eight tokens for eight that came together."""
    signer = SlowSigner()

    async def story() -> None:
        desk = SigningDesk(signer, workers=workers)  # type: ignore[arg-type] # it is asked for nothing else
        inputs = [Proof(amount=1, id="01", secret="s", C=POINT)] * EIGHT
        outputs = [BlindedMessage(amount=1, id="01", B_=POINT)] * EIGHT
        await asyncio.gather(*(desk.run(inputs, outputs) for _ in range(connections)))
        await desk.finished()

    asyncio.run(asyncio.wait_for(story(), timeout=30))
    return signer


def test_on_one_core_all_that_waits_goes_in_one_batch() -> None:
    seen = asked_by(32, workers=1)
    assert (seen.points, seen.most_running) == ([MOST_AT_SIGNER], 1)


def test_on_two_cores_each_batch_is_half_of_it_and_both_are_on_their_way_at_once() -> None:
    seen = asked_by(32, workers=2)
    assert (seen.points, seen.most_running) == ([MOST_AT_SIGNER // 2] * 2, 2)
