"""Figures that add up and stand in the log, and what a thief of a key can take: no more than was issued."""

import asyncio

import msgspec
import pytest
from packages.mint.tests.conftest import Town, Wallet, refused

from amparo_cashu.curve import read_point, show_point
from amparo_cashu.nut00_blind import unblind
from amparo_cashu.wire import Proof, Signatures, SwapRequest
from amparo_mint.errors import FiguresDisagree, OverIssued
from amparo_signer.protocol import ExchangeJob, ToSign

# --- figures --------------------------------------------------------------------------------------


def test_value_moved_from_an_old_keyset_to_a_new_one_keeps_both_keysets_figures_right(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    old = wallet.receive(keyset, 96)
    newer = town.new_keyset("2026-12")
    fresh = wallet.receive(newer, 3)
    moved = wallet.swap([old[0], *fresh], wallet.split(newer, old[0].amount + 3))
    left = old[0].amount
    assert town.figures() == {keyset: (96, -left, 0, 96 - left), newer: (3, left, 0, 3 + left)}
    quote = wallet.deposit_quote(left + 3)
    assert town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, moved)).status_code == 200
    assert town.figures() == {keyset: (96, -left, 0, 96 - left), newer: (3, left, left + 3, 0)}


def test_published_figures_stand_in_the_log(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    town.http.post("/v1/melt/settle", content=wallet.deposit_body(wallet.deposit_quote(64), proofs))
    wallet.receive(keyset, 5)
    assert town.operate("/operate/figures", {"period": "2026-11"}) == {"published": 1}
    ((_, figures),) = town.log.view().mint_figures
    assert (figures.issued, figures.moved, figures.redeemed, figures.outstanding) == (69, 0, 64, 5)


def test_counters_that_differ_from_the_rows_are_not_published(town: Town, wallet: Wallet, keyset: str) -> None:
    wallet.receive(keyset, 64)
    town.rows("UPDATE keyset SET issued = issued + 1")
    with pytest.raises(FiguresDisagree):
        town.figures()
    headers = {"authorization": "Bearer " + town.operation.operator_token().decode()}
    answer = town.http.post("/operate/figures", json={"period": "p"}, headers=headers)
    refused(answer, 10000, "mint.figures_disagree", status=500)
    assert town.log.view().mint_figures == []


def forge(town: Town, wallet: Wallet, keyset: str, amounts: list[int]) -> list[Proof]:
    """Tokens as a thief of the keyset's keys makes them: genuine in every way, and never issued."""
    blanks = wallet.blanks(keyset, amounts)
    job = ExchangeJob([], [ToSign(0, each.output.amount, bytes.fromhex(each.output.B_)) for each in blanks])
    (made,) = town.run(lambda: town.signer.exchange([keyset], [job]))
    keys = wallet.keys(keyset)
    return [
        Proof(
            amount=blank.output.amount,
            id=keyset,
            secret=blank.secret,
            C=show_point(unblind(read_point(signed[:33].hex()), blank.factor, read_point(keys[blank.output.amount]))),
        )
        for blank, signed in zip(blanks, made.signatures, strict=True)
    ]


def test_a_stolen_key_redeems_no_more_than_its_keyset_issued(town: Town, wallet: Wallet, keyset: str) -> None:
    wallet.receive(keyset, 96)
    forged = forge(town, wallet, keyset, [64, 64])
    body = wallet.deposit_body(wallet.deposit_quote(128), forged)
    refused(town.http.post("/v1/melt/settle", content=body), 10000, "mint.more_spent_than_signed")
    assert wallet.state(forged) == ["UNSPENT", "UNSPENT"]
    body = wallet.deposit_body(wallet.deposit_quote(64), forged[:1])
    assert town.http.post("/v1/melt/settle", content=body).status_code == 200
    body = wallet.deposit_body(wallet.deposit_quote(64), forged[1:])
    refused(town.http.post("/v1/melt/settle", content=body), 10000, "mint.more_spent_than_signed")
    assert town.figures() == {keyset: (96, 0, 64, 32)}


def test_a_stolen_key_of_an_old_keyset_moves_no_more_into_the_new_one_than_was_issued(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    wallet.receive(keyset, 96)
    newer = town.new_keyset("2026-12")
    forged = forge(town, wallet, keyset, [64, 64])
    answer = town.http.post("/v1/swap", content=wallet.swap_body(forged, wallet.split(newer, 128)))
    refused(answer, 10000, "mint.more_spent_than_signed")
    assert town.figures() == {keyset: (96, 0, 0, 96), newer: (0, 0, 0, 0)}
    wallet.swap(forged[:1], wallet.split(newer, 64))
    assert town.figures() == {keyset: (96, -64, 0, 32), newer: (0, 64, 0, 64)}


def test_a_swap_with_a_stolen_key_does_not_take_its_neighbours_with_it(town: Town, wallet: Wallet, keyset: str) -> None:
    honest = [(wallet.receive(keyset, 64), wallet.split(keyset, 64)) for _ in range(3)]
    forged = forge(town, wallet, keyset, [2])
    bodies = [wallet.swap_body(*pair) for pair in honest]
    bodies.insert(1, wallet.swap_body(forged, wallet.blanks(keyset, [1, 1])))

    async def all_at_once() -> list[Signatures | BaseException]:
        requests = [msgspec.json.decode(body, type=SwapRequest) for body in bodies]
        return await asyncio.gather(*(town.mint.swap(each) for each in requests), return_exceptions=True)

    assert [type(each) for each in town.run(all_at_once)] == [Signatures, OverIssued, Signatures, Signatures]
    assert town.figures() == {keyset: (192, 0, 0, 192)}
