"""What a purse does by itself while there is a connection: keep small change, and leave a keyset before it ends.

Every exchange is one coin in and standard coins out, so that the mint sees no sum of a household: `resplit` breaks one coin
into every coin below it, `renew` changes one coin for the same of the current keyset. When to call them again is said in
`not_before`; waiting until then is the caller's part. After a claim the first exchange waits hours, because coins that are
changed at once can be told by time.
"""

import random
import secrets

import msgspec

from amparo_cashu.wire import Proof
from amparo_purse import store
from amparo_purse.calendar import ends_soon
from amparo_purse.coins import broken, coin_to_break
from amparo_purse.purse import Purse
from amparo_service.errors import RemoteError

HOUR = 3_600
# Between a claim and the first exchange: long enough that very many others claim and exchange in between.
REST = (6 * HOUR, 48 * HOUR)
# Between two exchanges of one purse, in seconds.
PAUSE = (60, HOUR)


class Resplit(msgspec.Struct, frozen=True):
    """What became of it: the coin that was broken (minor units; None: no exchange was made), and the moment in unix time
    before which nothing more should be exchanged (None: nothing more is worth a request)."""

    broken: int | None
    not_before: int | None


class Renewal(msgspec.Struct, frozen=True):
    """Sums in minor units: changed into the current keyset; `ended`: closed, kept, and worth nothing unless the programme
    re-issues it; `waiting`: ending soon, while the mint has no later keyset yet, or while a claim keeps the purse quiet."""

    renewed: int
    ended: int
    waiting: int


def resplit(purse: Purse, unit: str, *, chance: random.Random | None = None) -> Resplit:
    """Break one coin, if that makes amounts payable without a connection that are not now. Raises what an exchange
    raises."""
    dice, now = chance or secrets.SystemRandom(), purse.now()
    with purse.database.transaction() as connection:
        until = store.rest(connection, purse.name, unit)
        if until == store.JUST_CLAIMED:
            until = now + dice.randint(*REST)
            store.set_rest(connection, purse.name, unit, until)
    coins = purse.coins(unit)
    amount = coin_to_break([coin.amount for coin in coins])
    if amount is None:
        return Resplit(None, None)
    until = max(until or 0, purse.quiet_until())
    if now < until:
        return Resplit(None, until)
    chosen = dice.choice([coin for coin in coins if coin.amount == amount])
    purse.exchange([chosen], broken(amount), unit)
    more = coin_to_break([coin.amount for coin in purse.coins(unit)]) is not None
    return Resplit(amount, now + dice.randint(*PAUSE) if more else None)


def renew(purse: Purse, unit: str, *, chance: random.Random | None = None) -> Renewal:
    """Change coins whose keyset ends within two weeks into the current keyset, one by one in any order; put those that the
    mint does not take any more aside. Safe to repeat. Raises what an exchange raises."""
    ending = [coin for coin in purse.coins(unit) if ends_soon(purse.keys.keyset(coin.id), purse.now())]
    if not ending:
        return Renewal(0, purse.balance(unit, state="ended"), 0)
    if purse.now() < purse.quiet_until():
        return Renewal(0, purse.balance(unit, state="ended"), sum(coin.amount for coin in ending))
    current = purse.keys.active(unit)
    late = [coin for coin in ending if coin.id != current]
    (chance or secrets.SystemRandom()).shuffle(late)
    renewed = sum(coin.amount for coin in late if _is_renewed(purse, coin, unit))
    waiting = sum(coin.amount for coin in ending if coin.id == current)
    return Renewal(renewed, purse.balance(unit, state="ended"), waiting)


def _is_renewed(purse: Purse, coin: Proof, unit: str) -> bool:
    try:
        purse.exchange([coin], [coin.amount], unit)
    except RemoteError as error:
        if not purse.is_ended(coin.id, error):
            raise
        purse.end([coin.secret])
        return False
    return True
