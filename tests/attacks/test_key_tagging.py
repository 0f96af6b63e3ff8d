"""T2: a mint that wants to know one person's coins again tries every way to mark them; the purse refuses each time.

Every trial is a real purse that follows a real log over its HTTP edge, against a mint that keeps its books honestly and changes
only what this one person is told. A purse alone cannot see that it is shown a log of its own: those trials count as refused
when the heads of two devices are compared, and their line says so.
"""

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx2
import msgspec
import pytest
from packages.purse.tests.conftest import MINT_KEY, Coiner
from packages.wallet.tests.conftest import LOG_SIGNER, MINT_KINDS, OFFICE_KEY, OFFICE_KINDS, InProcess, Town

from amparo_cashu.curve import generator_times, hash_to_curve, multiply, show_point
from amparo_cashu.errors import SignatureNotProved, TokenError
from amparo_cashu.outputs import LockTo, OutputPlan, finish, messages
from amparo_cashu.wire import (
    BlindedMessage,
    BlindSignature,
    KeysetInfo,
    KeysetsAnswer,
    MintRequest,
    RestoreAnswer,
    RestoreRequest,
    Signatures,
    SwapRequest,
)
from amparo_common.bridge import sign_for_log
from amparo_common.secret import Secret
from amparo_log.errors import LogRewritten
from amparo_log.follow import LogFollower
from amparo_log.http import routes
from amparo_log.service import Publisher, TransparencyLog
from amparo_log.store import SCHEMA as LOG_SCHEMA
from amparo_log.view import MOST_KEYSETS
from amparo_purse.errors import KeysetNotCurrent, TooManyKeysets
from amparo_purse.purse import Purse
from amparo_purse.restore import Manner, Restorer
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_wallet.wallet import Wallet

REPEATS = 3
REFUSALS = (TokenError, KeysetNotCurrent, TooManyKeysets)
Signed = list[BlindSignature]
Outputs = Sequence[BlindedMessage]
Replace = Callable[[Outputs, Signed], Signed]
# What was tried -> ways, trials, refused.
Figures = dict[str, tuple[int, int, int]]


class Marker(httpx2.BaseTransport):
    """Stands between one person and the honest mint: changes signatures, or the list of keysets, on the way back."""

    def __init__(self, town: Town) -> None:
        self.mint = town.mint
        self.signatures: Replace | None = None
        self.keysets: Callable[[list[KeysetInfo]], list[KeysetInfo]] | None = None
        self.sent: list[BlindedMessage] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request of the person."""
        path, body = request.url.path, request.read()
        response = self.mint.handle_request(request)
        if response.status_code != 200:
            return response
        decode, found = msgspec.json.decode, response.read()
        if path == "/v1/keysets" and self.keysets is not None:
            return _answer(KeysetsAnswer(self.keysets(decode(found, type=KeysetsAnswer).keysets)))
        outputs = _outputs(path, body)
        self.sent += outputs
        if not outputs or self.signatures is None:
            return response
        if path == "/v1/restore":
            honest = decode(found, type=RestoreAnswer)
            if not honest.outputs:
                return response
            return _answer(RestoreAnswer(honest.outputs, self.signatures(honest.outputs, honest.signatures)))
        return _answer(Signatures(self.signatures(outputs, decode(found, type=Signatures).signatures)))


def _answer(body: msgspec.Struct) -> httpx2.Response:
    return httpx2.Response(200, content=msgspec.json.encode(body))


def _outputs(path: str, body: bytes) -> list[BlindedMessage]:
    decode = msgspec.json.decode
    match path:
        case "/v1/swap":
            return decode(body, type=SwapRequest).outputs
        case "/v1/mint/benefit":
            return decode(body, type=MintRequest).outputs
        case "/v1/restore":
            return decode(body, type=RestoreRequest).outputs
    return []


class Person:
    """One person's purse, whose every request the marker sees; it holds coins from before the marking began."""

    _number = 0

    def __init__(self, town: Town, *, follower: LogFollower | None = None) -> None:
        Person._number += 1
        self.town = town
        self.marker = Marker(town)
        self.follower = follower or town.follower
        self.wallet = self._open(f"person {Person._number}")
        self.purse = self.wallet.purse
        self.lost = self._open(f"lost {Person._number}").purse
        self.quote_key = Secret(secrets.token_bytes(31).rjust(32, b"\1"))
        for purse in (self.purse, self.lost):
            claim(purse, self, 700)
        self.paid = self.quoted(1_337)
        self.others = [town.coiner.coin(64), town.coiner.coin(8)]

    def _open(self, name: str) -> Wallet:
        return Wallet(
            self.town.database,
            name,
            office=Client("http://office", transport=self.town.office, patience=0),
            mint=Client("http://mint", transport=self.marker, patience=0),
            log=self.follower,
            vkey=LOG_SIGNER.vkey,
            clock=self.town.clock,
        )

    def quoted(self, amount: int) -> str:
        """A quote that the office paid."""
        quote = self.purse.quote(amount, "usd", pubkey=show_point(generator_times(self.quote_key.reveal()))).quote
        self.town.mint.pay(quote)
        return quote

    def restorer(self) -> Restorer:
        connect = lambda: Client("http://mint", transport=self.marker, patience=0)  # noqa: E731 - one line is all it is
        return Restorer(self.purse, connect=connect, manner=Manner(numbers=(20, 20), outputs=20, pause=0))


def claim(purse: Purse, person: Person, amount: int) -> None:
    purse.claim(person.quoted(amount), amount, "usd", quote_key=person.quote_key)


def restore(person: Person) -> None:
    restorer = person.restorer()
    restorer.begin(person.lost.recovery_code(), gap=20)
    while not restorer.step().done:
        pass


SHOP = show_point(generator_times(b"\x02" * 32))
ACTS: dict[str, Callable[[Person], object]] = {
    "claim": lambda p: p.purse.claim(p.paid, 1_337, "usd", quote_key=p.quote_key),
    "receive": lambda p: p.purse.receive(p.others, "usd"),
    "change": lambda p: p.purse.exchange(p.purse.coins("usd")[:1], [p.purse.coins("usd")[0].amount], "usd"),
    "lock": lambda p: p.purse.lock(100, "usd", lock=LockTo(SHOP, 2_000_000_000, SHOP), label="shop"),
    "restore": restore,
}


# --- marking by signatures ----------------------------------------------------------------------------------------------


def first(change: Callable[[BlindedMessage, BlindSignature], BlindSignature]) -> Callable[[Town], Replace]:
    """Only one coin is marked; one is enough to know a person again."""

    def way(_town: Town) -> Replace:
        return lambda outputs, signed: [change(outputs[0], signed[0]), *signed[1:]]

    return way


def replace(signature: BlindSignature, **fields: object) -> BlindSignature:
    return msgspec.structs.replace(signature, **fields)


def second_key(town: Town) -> Replace:
    """Another key under the same keyset's name, with a valid proof for that other key."""
    other = Coiner("usd")
    return lambda outputs, signed: [
        replace(other.sign(output, amount=each.amount), id=each.id, amount=each.amount)
        for output, each in zip(outputs, signed, strict=True)
    ]


def second_key_honest_proof(town: Town) -> Replace:
    """Another key's signature with the proof of the honest one."""
    other = Coiner("usd")
    return lambda outputs, signed: [
        replace(each, C_=other.sign(output, amount=each.amount).C_)
        for output, each in zip(outputs, signed, strict=True)
    ]


def own_keyset(town: Town) -> Replace:
    """A keyset of its own, named as such, with a valid proof."""
    other = Coiner("usd")
    return lambda outputs, signed: [
        replace(other.sign(output, amount=each.amount), amount=each.amount)
        for output, each in zip(outputs, signed, strict=True)
    ]


def swapped_denominations(town: Town) -> Replace:
    """Signed with the key of the next coin, whose key is in the log too, with a valid proof for it."""
    return lambda outputs, signed: [
        replace(town.coiner.sign(output, amount=each.amount * 2 % 16_383 or 1), amount=each.amount)
        for output, each in zip(outputs, signed, strict=True)
    ]


def replayed_proof(town: Town) -> Replace:
    """The proof that was given for another output, of an earlier request."""
    kept = town.coiner.sign(BlindedMessage(1, town.coiner.id, SHOP)).dleq
    return lambda _outputs, signed: [replace(each, dleq=kept) for each in signed]


def another_order(_town: Town) -> Replace:
    """Every signature is genuine and stands at another output's place."""
    return lambda _outputs, signed: signed[1:] + signed[:1] if len(signed) > 1 else [replace(signed[0], C_=SHOP)]


def tweaked_proof(name: str) -> Callable[[Town], Replace]:
    return first(
        lambda _output, each: replace(
            each,
            dleq=None if each.dleq is None else msgspec.structs.replace(each.dleq, **{name: secrets.token_hex(32)}),
        )
    )


BY_SIGNATURE: dict[str, Callable[[Town], Replace]] = {
    "a second key in the keyset": second_key,
    "a second key, the honest proof": second_key_honest_proof,
    "signatures of a keyset of its own": own_keyset,
    "swapped denominations": swapped_denominations,
    "no proof": first(lambda _output, each: replace(each, dleq=None)),
    "a false proof (e)": tweaked_proof("e"),
    "a false proof (s)": tweaked_proof("s"),
    "a replayed proof": replayed_proof,
    "another order": another_order,
    "another amount": first(lambda _output, each: replace(each, amount=each.amount * 2)),
    "another point": first(lambda _output, each: replace(each, C_=SHOP)),
    "one coin under a second key": first(
        lambda output, each: replace(Coiner("usd").sign(output, amount=each.amount), id=each.id, amount=each.amount)
    ),
}


# --- marking by the choice of a keyset ----------------------------------------------------------------------------------


def offered(town: Town, coiner: Coiner) -> Callable[[list[KeysetInfo]], list[KeysetInfo]]:
    """The list in which this keyset is the active one of the unit; the mint signs with it."""
    town.mint.coiners.setdefault(coiner.id, coiner)
    return lambda honest: [
        *(msgspec.structs.replace(each, active=False) for each in honest if each.id != coiner.id),
        KeysetInfo(coiner.id, "usd", active=True),
    ]


def not_in_the_log(town: Town) -> Coiner:
    return Coiner("usd")


def of_another_unit(town: Town) -> Coiner:
    other = Coiner("medicine")
    town.say(other.announcement(), MINT_KEY)
    return other


def old_one(town: Town) -> Coiner:
    """Everybody else has the new one since; this person looked at the log before."""
    old, today = town.coiner, Coiner("usd")
    town.say(today.announcement(), MINT_KEY)
    town.mint.coiners[today.id] = today
    town.mint.active[today.unit] = today.id
    town.coiner = today
    return old


def ahead_of_time(town: Town) -> Coiner:
    following = Coiner("usd")
    begins = int(town.clock.now().timestamp()) + 1
    town.say(msgspec.structs.replace(following.announcement(), active_from=begins), MINT_KEY)
    return following


def with_a_copied_id(town: Town) -> Coiner:
    """The id of the true keyset over keys of its own, in the log as well (linky #436)."""
    copied = Coiner("usd")
    forged = msgspec.structs.replace(copied.announcement(), keyset=town.coiner.id[:-2] + "00")
    town.say(forged, MINT_KEY)
    copied.id = forged.keyset
    return copied


def one_after_the_other(town: Town) -> Coiner:
    """Each in the log, each the unit's only one while it signs: one for every person, if nobody counted them."""
    for _ in range(MOST_KEYSETS):
        marked = Coiner("usd")
        town.say(marked.announcement(), MINT_KEY)
    return marked


def many_for_one_day(town: Town) -> Coiner:
    """The same, each with a moment of its own, all within seconds."""
    now = int(town.clock.now().timestamp())
    for at in range(MOST_KEYSETS):
        marked = Coiner("usd")
        town.say(msgspec.structs.replace(marked.announcement(), active_from=now - MOST_KEYSETS + at), MINT_KEY)
    return marked


BY_KEYSET: dict[str, Callable[[Town], Coiner]] = {
    "a keyset that is not in the log": not_in_the_log,
    "a keyset of another unit of the log": of_another_unit,
    "an old keyset of the log": old_one,
    "a keyset of the log ahead of its time": ahead_of_time,
    "a copied id over other keys, in the log": with_a_copied_id,
    "one keyset after the other, in the log": one_after_the_other,
    "many keysets for one day, in the log": many_for_one_day,
}
# Then the mint's own announcements keep everybody away.
FOR_GOOD = [way for way in BY_KEYSET if way.endswith(", in the log")]


# --- the trials ---------------------------------------------------------------------------------------------------------


def refused(person: Person, act: Callable[[Person], object]) -> bool:
    """Whether the purse refused, and holds no coin that it did not hold before."""
    before = {coin.secret for coin in person.purse.coins("usd")}
    try:
        act(person)
    except REFUSALS:
        return {coin.secret for coin in person.purse.coins("usd")} <= before
    return False


def whole_again(person: Person, act: Callable[[Person], object], expected: int) -> None:
    """Once the mint is honest nothing is lost: what was cut off is finished, what was not begun is done."""
    person.marker.signatures = person.marker.keysets = None
    person.purse.recover()
    if _value(person) < expected:
        act(person)
    assert _value(person) == expected
    for coin in person.purse.coins("usd"):
        person.purse.keys.check_genuine(coin, "usd")


def _value(person: Person) -> int:
    return person.purse.balance("usd") + person.purse.balance("usd", state="held", label="shop")


EXPECTED = {"claim": 700 + 1_337, "receive": 772, "change": 700, "lock": 700, "restore": 1_400}


def test_a_mint_that_marks_a_person_by_its_signatures_is_refused_every_time(town: Town, figures: Figures) -> None:
    trials = found = 0
    for way in BY_SIGNATURE.values():
        for name, act in ACTS.items():
            for _ in range(REPEATS):
                person = Person(town)
                person.marker.signatures = way(town)
                trials += 1
                found += refused(person, act)
                whole_again(person, act, EXPECTED[name])
    figures["by signatures"] = (len(BY_SIGNATURE), trials, found)
    assert found == trials == len(BY_SIGNATURE) * len(ACTS) * REPEATS


@pytest.mark.parametrize("way", BY_KEYSET)
def test_a_mint_that_marks_a_person_by_a_keyset_is_refused_every_time(town: Town, way: str, figures: Figures) -> None:
    acts = {name: act for name, act in ACTS.items() if name != "restore"}
    people = [(name, Person(town)) for name in acts for _ in range(REPEATS)]
    for _, person in people:
        person.follower.refresh()
    marked = BY_KEYSET[way](town)
    found = 0
    for name, person in people:
        person.marker.keysets = offered(town, marked)
        person.marker.sent.clear()
        found += refused(person, acts[name])
        assert person.marker.sent == []  # not even an output under the marked keyset leaves the device
    figures[way] = (1, len(people), found)
    assert found == len(people)
    for name, person in people:
        if way not in FOR_GOOD:
            whole_again(person, acts[name], EXPECTED[name])


def test_an_unmarked_person_is_served_in_every_act(town: Town) -> None:
    """The same trials with an honest mint succeed: the refusals above are not for another reason."""
    for name, act in ACTS.items():
        person = Person(town)
        assert not refused(person, act)
        assert _value(person) == EXPECTED[name]


def test_a_purse_that_took_keys_from_the_mint_would_be_marked(town: Town) -> None:
    """The losing setting: against keys that the mint itself serves every proof is valid, and the coin is marked for good."""
    seed, other = Secret(b"\x09" * 64), Coiner("usd")
    plan = OutputPlan(keyset=town.coiner.id, counter=0, amounts=[64], locks=[None])
    outputs = messages(plan, seed)
    marked = [replace(other.sign(outputs[0]), id=town.coiner.id)]
    (coin,) = finish(plan, seed, marked, other.announcement().keys)
    point = multiply(hash_to_curve(coin.secret.encode()), other.secrets[64])
    assert show_point(point) == coin.C  # the mint knows its second key again when the coin is spent
    with pytest.raises(SignatureNotProved):
        finish(plan, seed, marked, town.coiner.announcement().keys)


# --- a log of one's own -------------------------------------------------------------------------------------------------


class Fork:
    """The log's operator helps the mint: one person is shown a log that goes on differently, signed with the true key."""

    def __init__(self, town: Town, folder: Path) -> None:
        self._town = town
        town.log._database.fold_journal()
        shutil.copy(town.folder / "log.sqlite", folder / "fork.sqlite")
        self.database = Database(folder / "fork.sqlite", [LOG_SCHEMA])
        publishers = {
            OFFICE_KEY.kid: Publisher(OFFICE_KEY.public, OFFICE_KINDS),
            MINT_KEY.kid: Publisher(MINT_KEY.public, MINT_KINDS),
        }
        self.log = TransparencyLog(self.database, LOG_SIGNER, publishers=publishers, clock=town.clock)
        self.wire = InProcess(make_app(routes(self.log, practice=True)))


@pytest.fixture
def fork(town: Town, tmp_path: Path) -> Iterator[Fork]:
    made = Fork(town, tmp_path)
    yield made
    made.database.close()


def shown(wire: httpx2.BaseTransport, memory: Path) -> LogFollower:
    return LogFollower(Client("http://log", transport=wire, patience=0), LOG_SIGNER.vkey, memory)


def marked_in(fork: Fork, town: Town) -> None:
    """The forked log names a keyset of its own; the honest one goes on as well."""
    own, honest = Coiner("usd"), Coiner("usd")
    fork.log.append(sign_for_log(own.announcement(), MINT_KEY))
    town.say(honest.announcement(), MINT_KEY)
    town.mint.coiners |= {own.id: own, honest.id: honest}
    town.mint.active[own.unit] = own.id


def test_a_person_who_is_shown_another_log_for_a_while_sees_it_when_the_true_one_comes_back(
    town: Town, fork: Fork, tmp_path: Path, figures: Figures
) -> None:
    found = 0
    for trial in range(20):
        memory = tmp_path / f"seen-{trial}"
        if trial == 0:
            marked_in(fork, town)
        shown(fork.wire, memory).refresh()
        with pytest.raises(LogRewritten):
            shown(town.log_wire, memory).refresh()
        found += 1
    figures["a log of one's own, for a while (found by the purse's memory)"] = (1, 20, found)
    assert found == 20


@pytest.mark.parametrize("kind", ["a fork", "a log that stopped"])
def test_a_person_who_is_only_ever_shown_another_log_finds_it_by_comparing_heads(
    town: Town, fork: Fork, tmp_path: Path, kind: str, figures: Figures
) -> None:
    if kind == "a fork":
        marked_in(fork, town)
    else:
        town.say(Coiner("usd").announcement(), MINT_KEY)
    theirs = shown(town.log_wire, tmp_path / "theirs")
    mine = shown(fork.wire, tmp_path / "mine")
    mine.refresh()
    person = Person(town, follower=mine)
    assert person.purse.balance("usd") == 700  # alone it cannot know: this is what comparing is for
    _, head = theirs.checkpoint()
    fetch = Client("http://log", transport=fork.wire, patience=0)
    found, trials = 0, 20
    for _ in range(trials):
        with pytest.raises(LogRewritten):
            person.wallet.compare_log(head, fetch=fetch)
        found += 1
    true = Client("http://log", transport=town.log_wire, patience=0)
    person.wallet.compare_log(head, fetch=true)  # and nothing is found where nothing is wrong
    figures[f"{kind} for one person (found by comparing heads)"] = (1, trials, found)
    assert found == trials


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A log with one keyset in it, a mint, and phones for people."""
    made = Town(tmp_path_factory.mktemp("tagged"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """What the tests of this file have tried, printed as one line at the end (shown with -s)."""
    found: Figures = {}
    yield found
    ways, trials, refusals = (sum(each[at] for each in found.values()) for at in range(3))
    outside = sum(each[1] for name, each in found.items() if "comparing heads" in name)
    if trials:
        print(
            f"\nT2 key tagging: {trials} trials of {ways} ways in {len(ACTS)} acts, {refusals} refused"
            f" ({refusals / trials:.1%}); {outside} of them (a log of one's own) by comparing heads, not by the purse alone"
        )
