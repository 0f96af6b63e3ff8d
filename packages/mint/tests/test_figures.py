"""The mint's figures after any sequence of steps, on both kinds of database."""

from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from packages.mint.tests.conftest import Town, Wallet

from amparo_cashu.wire import Proof


class Model:
    """What the figures should be, counted by the test itself: the tokens in all wallets, and the sums that went by."""

    def __init__(self, town: Town, wallet: Wallet) -> None:
        self.town, self.wallet = town, wallet
        self.purse: list[Proof] = []
        self.waiting: list[Proof] = []
        self.issued: Counter[str] = Counter()
        self.moved: Counter[str] = Counter()
        self.redeemed: Counter[str] = Counter()
        self.keysets: list[str] = []

    def rotate(self, _amount: int) -> None:
        """A new keyset becomes the active one."""
        self.keysets.append(self.town.new_keyset(f"period {len(self.keysets)}"))

    def issue(self, amount: int) -> None:
        """Aid comes in."""
        self.purse += self.wallet.receive(self.keysets[-1], amount)
        self.issued[self.keysets[-1]] += amount

    def _take(self, amount: int) -> list[Proof]:
        """About as many tokens as the amount says, from the oldest or the newest."""
        count = min(amount % 5 + 1, len(self.purse))
        taken = self.purse[:count] if amount % 2 else self.purse[-count:]
        self.purse = [proof for proof in self.purse if proof not in taken]
        return taken

    def swap(self, amount: int) -> None:
        """Tokens are exchanged for others, of the active keyset."""
        taken = self._take(amount)
        if not taken:
            return
        for proof in taken:
            if any(each.id != self.keysets[-1] for each in taken):
                self.moved[proof.id] -= proof.amount
                self.moved[self.keysets[-1]] += proof.amount
        total = sum(proof.amount for proof in taken)
        self.purse += self.wallet.swap(taken, self.wallet.split(self.keysets[-1], total))

    def redeem(self, amount: int) -> None:
        """A shop hands tokens in."""
        self.settle()
        taken = self._take(amount)
        if not taken:
            return
        quote = self.wallet.deposit_quote(sum(proof.amount for proof in taken))
        body = self.wallet.deposit_body(quote, taken)
        answer = self.town.http.post("/v1/melt/settle", content=body)
        assert answer.status_code == 200, answer.text
        # Handing them in again, or swapping them, changes nothing.
        assert self.town.http.post("/v1/melt/settle", content=body).content == answer.content
        again = self.wallet.swap_body(taken, self.wallet.split(self.keysets[-1], taken[0].amount))
        assert self.town.http.post("/v1/swap", content=again).status_code == 400
        for proof in taken:
            self.redeemed[proof.id] += proof.amount

    def leave(self, amount: int) -> None:
        """A shop hands tokens in while the shops side is away."""
        taken = self._take(amount)
        if not taken:
            return
        self.town.shops.away = True
        quote = self.wallet.deposit_quote(sum(proof.amount for proof in taken))
        body = self.wallet.deposit_body(quote, taken)
        assert self.town.http.post("/v1/melt/settle", content=body).json()["state"] == "PENDING"
        self.waiting += taken

    def refuse(self, amount: int) -> None:
        """A shop hands tokens in and the shops side refuses them; whatever waited is answered the same way."""
        self.settle()
        taken = self._take(amount)
        if not taken:
            return
        self.town.shops.refusal = "shops.unknown_shop"
        quote = self.wallet.deposit_quote(sum(proof.amount for proof in taken))
        body = self.wallet.deposit_body(quote, taken)
        assert self.town.http.post("/v1/melt/settle", content=body).json()["state"] == "UNPAID"
        self.town.shops.refusal = ""
        self.purse += taken

    def restart(self, _amount: int) -> None:
        """The mint stops and starts; the shops side is there again afterwards, and what waited is settled."""
        self.town.reopen()
        self.settle()

    def settle(self) -> None:
        """The shops side is there, and has heard of everything."""
        self.town.shops.away = False
        self.town.run(self.town.server.deliver)
        for proof in self.waiting:
            self.redeemed[proof.id] += proof.amount
        self.waiting = []

    def expected(self) -> dict[str, tuple[int, int, int, int]]:
        """Issued, moved, redeemed, outstanding by keyset. What waits is outstanding until the shops side has it."""
        held: Counter[str] = Counter()
        for proof in (*self.purse, *self.waiting):
            held[proof.id] += proof.amount
        return {each: (self.issued[each], self.moved[each], self.redeemed[each], held[each]) for each in self.keysets}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["issue", "swap", "redeem", "swap", "rotate", "leave", "refuse", "restart"]),
        st.integers(1, 300),
    ),
    min_size=1,
    max_size=9,
)
EVERYTHING = [
    *(("issue", 96), ("issue", 7), ("rotate", 1), ("swap", 4), ("issue", 3), ("swap", 3), ("redeem", 4)),
    *(("leave", 2), ("restart", 1), ("refuse", 3), ("leave", 1), ("redeem", 1)),
]


def live_through(town: Town, wallet: Wallet, steps: list[tuple[str, int]]) -> None:
    """Takes the steps; after each one the figures are the model's."""
    try:
        model = Model(town, wallet)
        model.rotate(0)
        for name, amount in steps:
            getattr(model, name)(amount)
            figures = town.figures()
            assert figures == model.expected()
            for issued, moved, redeemed, outstanding in figures.values():
                assert issued + moved == redeemed + outstanding
            assert sum(moved for _, moved, _, _ in figures.values()) == 0
            assert wallet.state(model.purse[:100]) == ["UNSPENT"] * len(model.purse[:100])
        model.settle()
        assert town.figures() == model.expected()
    finally:
        town.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
@example(EVERYTHING)
def test_after_any_sequence_of_steps_issued_and_moved_are_redeemed_and_outstanding_in_each_keyset(
    new_town: Callable[..., Town], new_wallet: type[Wallet], steps: list[tuple[str, int]]
) -> None:
    town = new_town()
    live_through(town, new_wallet(town), steps)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
@example(EVERYTHING)
def test_the_same_holds_in_postgresql(
    new_town: Callable[..., Town],
    new_wallet: type[Wallet],
    new_database: Callable[[], str],
    steps: list[tuple[str, int]],
) -> None:
    town = new_town(database=new_database())
    live_through(town, new_wallet(town), steps)
