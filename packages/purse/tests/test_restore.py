"""Restoring from a code: everything comes back once, nothing is used twice, and a mint that lies is refused."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packages.purse.tests.conftest import MINT_KEY, NOON, Coiner, Pocket

from amparo_cashu.curve import generator_times, hash_to_curve, show_point
from amparo_cashu.errors import SignatureNotProved
from amparo_cashu.outputs import LockTo
from amparo_cashu.spent_filter import SpentFilter, build_filter, filter_item
from amparo_cashu.wire import RestoreAnswer
from amparo_common.secret import Secret
from amparo_purse import recovery, store
from amparo_purse.errors import CodeFalse, PurseInUse, RestoreUnfinished
from amparo_purse.restore import Manner, Progress, Restorer
from amparo_service.client import Client
from amparo_service.errors import RemoteError

NOW = int(NOON.timestamp())
SHOP = show_point(generator_times(b"\x02" * 32))
NO_PAUSE = Manner(pause=0)


class Lost:
    """A phone that was lost with money in it, and the new one, which shares its mint and log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.old = Pocket(folder / "old.sqlite")
        self.new = Pocket(folder / "new.sqlite", beside=self.old)
        self.connections = 0

    @property
    def code(self) -> str:
        return self.old.purse.recovery_code()

    def connect(self) -> Client:
        self.connections += 1
        return self.new.connect()

    def restorer(
        self, *, filters: list[SpentFilter] | None = None, manner: Manner = NO_PAUSE, seed: int = 1
    ) -> Restorer:
        chance = random.Random(seed)
        return Restorer(self.new.purse, connect=self.connect, filters=filters or [], manner=manner, chance=chance)

    def restore(self, *, keep_code: bool = False, gap: int = 60, **how: Any) -> Progress:
        restorer = self.restorer(**how)
        restorer.begin(self.code, keep_code=keep_code, gap=gap)
        while not (progress := restorer.step()).done:
            pass
        return progress

    def pay(self, amount: int) -> list[str]:
        """The old phone pays a shop, which takes it. The points of the coins."""
        self.old.purse.make_exact(amount, "food")
        coins = self.old.purse.pay(amount, "food")
        shop = self.old.named("shop")
        shop.receive(coins, "food")
        return [show_point(hash_to_curve(coin.secret.encode())) for coin in coins]

    def requests(self, path: str) -> list[Any]:
        return [
            json.loads(asked.removeprefix(path.encode())) for asked in self.asked if asked.startswith(path.encode())
        ]

    @property
    def asked(self) -> list[bytes]:
        return self.bodies

    def listen(self) -> None:
        """Keep every request's path and body from now on."""
        self.bodies: list[bytes] = []
        serve = self.old.mint._answer

        def heard(path: str, body: bytes) -> Any:
            self.bodies.append(path.encode() + body)
            return serve(path, body)

        self.old.mint._answer = heard  # type: ignore[method-assign]


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Lost]:
    made = Lost(tmp_path)
    yield made
    made.old.close()
    made.new.close()


def test_what_was_not_spent_comes_back_as_coins_of_the_new_purse_and_the_old_code_is_empty(lost: Lost) -> None:
    lost.old.claim(5_600, spread=True)
    lost.pay(1_337)
    lost.old.fill(64, unit="rent")
    progress = lost.restore()
    assert (progress.found, progress.spent) == (5_600 + 1_337 + 64 - 1_337, 1_337)
    assert (lost.new.purse.balance("food"), lost.new.purse.balance("rent")) == (5_600 - 1_337, 64)
    assert lost.new.journal() == 0
    old = {coin.secret for coin in lost.old.purse.coins("food")}
    assert not old & {coin.secret for coin in lost.new.purse.coins("food")}
    again = Pocket(lost.folder / "thief.sqlite", beside=lost.old)
    thief = Restorer(again.purse, connect=again.connect, manner=NO_PAUSE)
    thief.begin(lost.code, gap=60)
    while not thief.step().done:
        pass
    assert again.purse.balance("food") == 0
    again.close()


def test_restoring_twice_adds_nothing(lost: Lost) -> None:
    lost.old.claim(700)
    lost.restore()
    before = lost.new.states()
    assert lost.restore().found == 700  # found once more, all of it exchanged before
    assert lost.new.states() == before == {"ready": 700}


def test_a_purse_that_keeps_the_code_never_uses_a_number_twice(lost: Lost) -> None:
    lost.old.claim(700)
    used = set(lost.old.mint.signed)
    lost.restore(keep_code=True)
    assert lost.new.purse.recovery_code() == lost.code
    assert lost.new.purse.is_code_tested()
    lost.new.claim(300)
    assert lost.new.purse.balance("food") == 1_000
    assert len(lost.new.mint.signed) == len(used) + 6 + 4  # 700 has six coins, 300 has four
    with lost.new.database.reading() as connection:
        following = store.counter(connection, "mine", lost.new.food.id)
    assert following > 6 + 60 * 2 // 3


def test_what_follows_a_restoring_that_kept_the_code_is_found_by_the_next_one(lost: Lost) -> None:
    lost.old.claim(700)
    for generation in range(4):
        lost.restore(keep_code=True, seed=generation)
        lost.new.claim(100)
        assert lost.new.purse.balance("food") == 800 + 100 * generation
        lost.old.close()
        lost.old, lost.new = lost.new, Pocket(lost.folder / f"{generation}.sqlite", beside=lost.old)


def test_while_a_purse_that_keeps_the_code_is_searched_it_makes_no_coins(lost: Lost) -> None:
    lost.old.claim(700)
    restorer = lost.restorer()
    restorer.begin(lost.code, keep_code=True, gap=60)
    restorer.step()
    for _ in range(2):
        with pytest.raises(RestoreUnfinished):
            lost.new.claim(8)
        lost.new.reopen()
    restorer = lost.restorer()
    while not restorer.step().done:
        pass
    lost.new.claim(8)
    assert lost.new.purse.balance("food") == 708


def test_a_purse_in_use_does_not_take_over_a_code_and_a_false_code_changes_nothing(lost: Lost) -> None:
    lost.old.claim(700)
    own = lost.new.purse.recovery_code()
    with pytest.raises(CodeFalse):
        lost.restorer().begin(lost.code[:-1] + str((int(lost.code[-1]) + 1) % 10))
    lost.new.claim(8)
    with pytest.raises(PurseInUse):
        lost.restorer().begin(lost.code, keep_code=True)
    lost.new.reopen()
    assert lost.new.purse.recovery_code() == own
    assert lost.restorer().step().done
    lost.restore()
    assert lost.new.purse.balance("food") == 708


def test_a_second_code_waits_until_the_first_is_restored(lost: Lost) -> None:
    lost.old.claim(700)
    other = lost.old.named("other")
    lost.old.fill(8, purse=other)
    lost.restorer().begin(lost.code, gap=60)
    lost.restorer().begin(lost.code, gap=60)
    with pytest.raises(RestoreUnfinished):
        lost.restorer().begin(other.recovery_code())
    lost.restore()
    restorer = lost.restorer()
    restorer.begin(other.recovery_code(), gap=60)
    while not restorer.step().done:
        pass
    assert lost.new.purse.balance("food") == 708


def test_a_stale_copy_of_the_file_is_mended_with_its_own_code(lost: Lost) -> None:
    lost.old.claim(100)
    lost.old.close()
    stale = lost.old.path.read_bytes()
    lost.old.open()
    lost.old.claim(700)
    paid = lost.pay(64)
    lost.old.close()
    lost.old.path.write_bytes(stale)
    lost.old.open()
    restorer = Restorer(lost.old.purse, connect=lost.old.connect, manner=NO_PAUSE)
    restorer.begin(lost.code, keep_code=True, gap=60)
    while not restorer.step().done:
        pass
    held = {show_point(hash_to_curve(coin.secret.encode())) for coin in lost.old.purse.coins("food")}
    good = held - lost.old.mint.spent
    assert sum(coin.amount for coin in lost.old.purse.coins("food") if _point(coin.secret) in good) == 736
    assert not good & set(paid)
    before = len(lost.old.mint.signed)
    lost.old.claim(8)
    assert len(lost.old.mint.signed) == before + 1


def _point(secret: str) -> str:
    return show_point(hash_to_curve(secret.encode()))


def test_numbers_that_went_unused_are_searched_over_up_to_the_gap(lost: Lost) -> None:
    lost.old.claim(8)
    for skipped, found in ((59, 16), (120, 16)):
        with lost.old.database.transaction() as connection:
            first = store.counter(connection, "mine", lost.old.food.id)
            store.skip_to(connection, "mine", lost.old.food.id, first + skipped)
        lost.old.claim(8)
        fresh = Pocket(lost.folder / f"{skipped}.sqlite", beside=lost.old)
        restorer = Restorer(fresh.purse, connect=fresh.connect, manner=Manner(pause=0))
        restorer.begin(lost.code, gap=60)
        searched = 0
        while not (progress := restorer.step()).done:
            searched += 1
        assert progress.found == found
        assert searched
        fresh.close()
        lost.old.mint.spent.clear()  # for the second search, as if the first had never been


def test_coins_that_are_locked_to_a_shop_are_not_found_and_the_change_is(lost: Lost) -> None:
    """The limit that the module states: no code leads to the shop's key and the time in a locked secret."""
    lost.old.claim(700)
    lost.old.purse.lock(200, "food", lock=LockTo(SHOP, NOW + 9, SHOP), label="shop")
    lost.restore()
    assert lost.new.purse.balance("food") == 500


def test_a_coin_in_a_deposit_that_waits_is_the_shops(lost: Lost) -> None:
    lost.old.claim(700)
    coins = lost.old.purse.pay(512, "food")
    lost.old.mint.pending["d"] = {_point(coin.secret) for coin in coins}
    assert lost.restore().spent == 512
    assert lost.new.states() == {"ready": 188}


def test_a_coin_that_is_spent_between_question_and_exchange_is_dropped(lost: Lost) -> None:
    lost.old.claim(700)

    def lie(path: str, honest: Any) -> Any:
        if path != "/v1/checkstate":
            return honest
        return {"states": [{**state, "state": "UNSPENT"} for state in honest["states"]]}

    lost.pay(512)
    lost.old.mint.lie = lie
    progress = lost.restore()
    assert (progress.spent, lost.new.states()) == (512, {"ready": 188})
    again = Pocket(lost.folder / "again.sqlite", beside=lost.old)
    restorer = Restorer(again.purse, connect=again.connect, manner=Manner(coins=100, numbers=(50, 50), pause=0))
    restorer.begin(lost.code, gap=60)
    for _ in range(8):
        restorer.step()
    lost.old.mint.honest()
    while not restorer.step().done:
        pass
    assert again.states() == {}
    again.close()


def test_coins_of_a_keyset_that_the_mint_has_closed_are_kept_apart(lost: Lost) -> None:
    lost.old.claim(700)
    lost.old.mint.ended.add(lost.old.food.id)
    lost.restore()
    assert lost.new.states() == {"ended": 700}


def test_a_keyset_that_is_closed_or_has_not_begun_is_not_searched(lost: Lost) -> None:
    for change in ({"final_expiry": NOW - 400 * 86_400}, {"active_from": NOW + 1}):
        coiner = Coiner("food", final_expiry=change.get("final_expiry"))
        announced = msgspec.structs.replace(coiner.announcement(), active_from=change.get("active_from"))
        lost.old.log.publish(announced, MINT_KEY)
    lost.listen()
    lost.restore()
    asked = {output["id"] for request in lost.requests("/v1/restore") for output in request["outputs"]}
    assert asked == {lost.old.food.id, lost.old.rent.id}


# --- what the mint sees --------------------------------------------------------------------------------------------------


def test_every_request_has_its_own_connection_and_one_size_and_asks_about_one_coin(lost: Lost) -> None:
    lost.old.claim(5_600, spread=True)
    lost.pay(1_337)
    lost.listen()
    lost.restore()
    manner = Manner()
    restores, questions, swaps = (lost.requests(f"/v1/{name}") for name in ("restore", "checkstate", "swap"))
    assert len(restores) + len(questions) + len(swaps) == lost.connections
    assert {len(request["outputs"]) for request in restores} == {manner.outputs}
    assert {len(request["Ys"]) for request in questions} == {manner.points}
    assert {(len(request["inputs"]), len(request["outputs"])) for request in swaps} == {(1, 1)}
    real = lost.old.mint.signed.keys()
    shares = [sum(output["B_"] in real for output in request["outputs"]) for request in restores]
    assert max(shares) < 20  # the signed ones are scattered, not one run of numbers
    points = [point for request in questions for point in request["Ys"]]
    assert len(points) == len(set(points))


def test_a_number_is_asked_for_once_also_when_the_restoring_is_interrupted(lost: Lost) -> None:
    lost.old.claim(5_600, spread=True)
    claimed = dict.fromkeys(lost.old.mint.signed, 0)
    lost.listen()
    lost.restorer().begin(lost.code, gap=60)
    for seed in range(400):
        lost.new.reopen()
        if lost.restorer(seed=seed).step().done:
            break
    assert lost.new.purse.balance("food") == 5_600
    for request in lost.requests("/v1/restore"):
        for output in request["outputs"]:
            if output["B_"] in claimed:
                claimed[output["B_"]] += 1
    assert set(claimed.values()) == {1}


def test_pauses_are_random_around_the_mean_that_was_asked_for(lost: Lost) -> None:
    lost.old.claim(700)
    restorer = lost.restorer(manner=Manner(pause=100))
    restorer.begin(lost.code, gap=60)
    waits = []
    while not (progress := restorer.step()).done:
        waits.append(progress.wait)
    assert 50 < sum(waits) / len(waits) < 200
    assert len({round(wait) for wait in waits}) > len(waits) // 2


def test_with_the_published_filters_no_spent_coin_is_asked_about(lost: Lost) -> None:
    lost.old.claim(5_600, spread=True)
    paid = lost.pay(1_337)
    keyset = lost.old.food.id
    spent = [bytes.fromhex(point) for point in lost.old.mint.spent]
    data = build_filter(b"".join(sorted(filter_item(keyset, point) for point in spent)), keyset=keyset, day=20_000)
    lost.listen()
    assert lost.restore(filters=[SpentFilter(data)]).spent == 1_337
    assert lost.new.purse.balance("food") == 5_600 - 1_337
    sent = b"".join(lost.bodies)
    assert not any(point.encode() in sent for point in paid)
    assert lost.requests("/v1/checkstate") == []


# --- a mint that lies ----------------------------------------------------------------------------------------------------


def forged(change: Callable[[RestoreAnswer, Coiner], RestoreAnswer]) -> Callable[[Lost, RestoreAnswer], RestoreAnswer]:
    return lambda lost, honest: change(honest, lost.old.food) if honest.outputs else honest


def with_first(answer: RestoreAnswer, **fields: Any) -> RestoreAnswer:
    return RestoreAnswer(
        answer.outputs, [msgspec.structs.replace(answer.signatures[0], **fields), *answer.signatures[1:]]
    )


@pytest.mark.parametrize(
    "lie",
    [
        forged(lambda answer, _food: with_first(answer, dleq=None)),
        forged(lambda answer, _food: with_first(answer, amount=3)),
        forged(lambda answer, _food: with_first(answer, amount=answer.signatures[0].amount * 2)),
        forged(lambda answer, _food: with_first(answer, id="01" + "0" * 64)),
        forged(lambda answer, _food: with_first(answer, C_=SHOP)),
        forged(lambda answer, _food: RestoreAnswer(answer.outputs[1:], answer.signatures)),
        forged(
            lambda answer, food: RestoreAnswer(
                [msgspec.structs.replace(answer.outputs[0], B_=SHOP)],
                [food.sign(msgspec.structs.replace(answer.outputs[0], B_=SHOP, amount=1))],
            )
        ),
        forged(
            lambda answer, _food: with_first(
                answer, C_=Coiner("food").sign(msgspec.structs.replace(answer.outputs[0], amount=1)).C_
            )
        ),
    ],
    ids=[
        "no proof",
        "odd amount",
        "other amount",
        "other keyset",
        "other point",
        "one too few",
        "not asked",
        "other key",
    ],
)
def test_a_mint_that_lies_in_a_restoring_is_refused_and_the_truth_is_found_later(
    lost: Lost, lie: Callable[[Lost, RestoreAnswer], RestoreAnswer]
) -> None:
    lost.old.claim(700)
    lost.old.mint.lie = lambda path, honest: lie(lost, honest) if path == "/v1/restore" else honest
    with pytest.raises(SignatureNotProved):
        lost.restore()
    lost.old.mint.honest()
    lost.restore()
    assert lost.new.states() == {"ready": 700}


def test_a_mint_that_does_not_answer_for_a_coin_is_refused(lost: Lost) -> None:
    lost.old.claim(700)
    lost.old.mint.lie = lambda path, honest: {"states": []} if path == "/v1/checkstate" else honest
    with pytest.raises(SignatureNotProved):
        lost.restore()
    lost.old.mint.honest()
    lost.restore()
    assert lost.new.states() == {"ready": 700}


def test_a_refused_exchange_stops_the_restoring_and_loses_nothing(lost: Lost) -> None:
    lost.old.claim(700)
    lost.old.mint.refuse("/v1/swap", 10000)
    with pytest.raises(RemoteError):
        lost.restore()
    lost.old.mint.honest()
    lost.restore()
    assert lost.new.states() == {"ready": 700}


def test_the_seed_of_a_lost_purse_does_not_stay_in_the_new_file(lost: Lost) -> None:
    lost.old.claim(700)
    lost.restore()
    lost.new.close()
    seed = recovery.seed_of(recovery.read_code(lost.code))
    assert isinstance(seed, Secret)
    assert seed.reveal() not in lost.new.path.read_bytes()
    lost.new.open()
