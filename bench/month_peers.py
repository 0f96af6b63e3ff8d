"""Rule evaluation and signing beside their peers, for `bench.month`: on the register and the receipts of the month just run.

Ours and the peer take turns on the same data, and the quickest or the middle turn counts, so that other load on the machine
spoils neither. Prints JSON.
"""

import base64
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TypeVar

import django
import msgspec
import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

# The settings are named by who starts this process (`bench.month`).
django.setup()

from amparo_common.signing import SigningKey  # noqa: E402 - after the setup
from amparo_office import people, store  # noqa: E402
from amparo_office.cycles import CHUNK, _columns  # noqa: E402
from amparo_rules.batch import Column, Columns, Outcomes, evaluate_batch  # noqa: E402
from amparo_rules.receipt import receipt_signer  # noqa: E402
from amparo_rules.rule import Plan, read_rule  # noqa: E402
from amparo_rules.starter import starter  # noqa: E402
from bench.month_parts import Peers  # noqa: E402
from bench.report import middle  # noqa: E402
from bench.rule_by_hand import RuleByHand  # noqa: E402

T = TypeVar("T")

MOST_CHUNKS = 10
TURNS = 11
LEAST_SIGNED, MOST_SIGNED = 5_000, 20_000
BLOCK = 100
_CALCULATED = ("size", "heads", "under5", "disabled", "income_per_head", "crowding")


def run(office: Path, rule: str, as_of: date) -> Peers:
    """Measure."""
    plan, by_hand = read_rule(starter(rule)).plan(as_of), RuleByHand(as_of)
    chunks, into_columns = [], 0.0
    for households in _chunks():
        began = time.perf_counter()
        chunks.append(_columns(plan, households))
        into_columns += time.perf_counter() - began
    whole = _joined(chunks)
    agree = all(_agree(evaluate_batch(plan, each), by_hand.evaluate(each)) for each in [*chunks, whole])
    with store.open_database(office / "office.sqlite").reading() as connection:
        rows = connection.execute("SELECT receipt FROM decision ORDER BY household LIMIT ?", (MOST_SIGNED,)).fetchall()
    payloads = [_payload(row[0]) for row in rows]
    # Few receipts are signed again and again: the middle turn of a handful would be chance.
    payloads *= -(-LEAST_SIGNED // len(payloads))
    return Peers(
        households=whole.count,
        chunked=_in_turns(plan, by_hand, chunks),
        at_once=_in_turns(plan, by_hand, [whole]),
        into_columns=into_columns,
        signed=len(payloads),
        signing=_signing(payloads),
        agree=agree,
    )


def _chunks() -> Iterator[list[people.HouseholdRow]]:
    return itertools.islice(people.batches(after=0, size=CHUNK), MOST_CHUNKS)


def _joined(chunks: list[Columns]) -> Columns:
    starts = np.cumsum([0, *(each.count for each in chunks[:-1])])
    return Columns(
        count=sum(each.count for each in chunks),
        household={name: _one_column([each.household[name] for each in chunks]) for name in chunks[0].household},
        owner=np.concatenate([each.owner + start for each, start in zip(chunks, starts, strict=True)]),
        person={name: _one_column([each.person[name] for each in chunks]) for name in chunks[0].person},
    )


def _one_column(parts: list[Column]) -> Column:
    return np.ma.MaskedArray(
        np.concatenate([each.data for each in parts]), mask=np.concatenate([np.ma.getmaskarray(each) for each in parts])
    )


def _in_turns(plan: Plan, by_hand: RuleByHand, chunks: list[Columns]) -> tuple[float, float]:
    """Seconds for all chunks, of ours and of the peer: each chunk at its quickest of several turns."""
    ours, theirs = 0.0, 0.0
    for chunk in chunks:
        turns = [
            (_seconds(lambda at: evaluate_batch(plan, at), chunk), _seconds(by_hand.evaluate, chunk))
            for _ in range(TURNS)
        ]
        ours += min(turn[0] for turn in turns)
        theirs += min(turn[1] for turn in turns)
    return ours, theirs


def _seconds(work: Callable[[T], object], on: T) -> float:
    began = time.perf_counter()
    work(on)
    return time.perf_counter() - began


def _agree(ours: Outcomes, theirs: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]) -> bool:
    columns = {**{name: ours.steps[name] for name in _CALCULATED}, "failed": ours.failed, "amount": ours.amount}
    return all(np.array_equal(values, theirs[name]) for name, values in columns.items())


def _payload(receipt: str) -> bytes:
    text = receipt.split(".")[1]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signing(payloads: list[bytes]) -> tuple[float, float]:
    """Seconds for one receipt: its payload signed by the office's signer, and by a bare loop."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer, algorithm = receipt_signer(SigningKey(key)), ec.ECDSA(hashes.SHA256())
    blocks = [payloads[first : first + BLOCK] for first in range(0, len(payloads), BLOCK)]
    turns = [
        (
            _seconds(lambda at: [signer.sign(payload) for payload in at], block) / len(block),
            _seconds(lambda at: [key.sign(payload, algorithm) for payload in at], block) / len(block),
        )
        for block in blocks
    ]
    return middle([turn[0] for turn in turns]), middle([turn[1] for turn in turns])


if __name__ == "__main__":
    measured = run(Path(sys.argv[1]), sys.argv[2], date.fromisoformat(sys.argv[3]))
    sys.stdout.buffer.write(msgspec.json.encode(measured))
