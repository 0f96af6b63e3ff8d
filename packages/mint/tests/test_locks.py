"""Tokens locked to a shop's key (NUT-11): who opens them, and when."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from packages.mint.tests.conftest import NOON, Town, Wallet, refused

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.nut10_secret import sign_lock, write_lock
from amparo_cashu.wire import Proof

# --- locked tokens --------------------------------------------------------------------------------

SHOP_SECRET, PAYER_SECRET = b"\x11" * 32, b"\x22" * 32


def locked(wallet: Wallet, keyset: str, locktime: datetime) -> Proof:
    """A token of 64 locked to the shop, from `locktime` on also open to its payer."""
    secret = write_lock(
        "0" * 32,
        show_point(generator_times(SHOP_SECRET)),
        locktime=int(locktime.timestamp()),
        refund=show_point(generator_times(PAYER_SECRET)),
    )
    (proof,) = wallet.swap(wallet.receive(keyset, 64), wallet.blanks(keyset, [64], secrets=[secret]))
    return proof


def try_swap(town: Town, wallet: Wallet, keyset: str, proof: Proof) -> Any:
    return town.http.post("/v1/swap", content=wallet.swap_body([proof], wallet.split(keyset, 64)))


def test_a_locked_token_opens_with_the_shops_signature_only(town: Town, wallet: Wallet, keyset: str) -> None:
    proof = locked(wallet, keyset, NOON + timedelta(days=1))
    other = msgspec.structs.replace(proof, secret=proof.secret.replace("0" * 32, "1" * 32))
    borrowed = msgspec.structs.replace(proof, witness=sign_lock(other, SHOP_SECRET).witness)
    attempts = [proof, sign_lock(proof, PAYER_SECRET), sign_lock(proof, b"\x33" * 32), borrowed]
    attempts += [msgspec.structs.replace(proof, witness=text) for text in ("", "{}", "[]", '{"signatures":["zz"]}')]
    for attempt in attempts:
        refused(try_swap(town, wallet, keyset, attempt), 10001, "token.lock_not_open")
        deposit = wallet.deposit_body(wallet.deposit_quote(64), [attempt])
        refused(town.http.post("/v1/melt/settle", content=deposit), 10001, "token.lock_not_open")
    deposit = wallet.deposit_body(wallet.deposit_quote(64), [sign_lock(proof, SHOP_SECRET)])
    assert town.http.post("/v1/melt/settle", content=deposit).json()["state"] == "PAID"


def test_the_payer_gets_a_locked_token_back_after_its_lock_time_and_not_before(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    end = NOON + timedelta(days=1)
    proof = locked(wallet, keyset, end)
    town.clock.set(end)
    refused(try_swap(town, wallet, keyset, sign_lock(proof, PAYER_SECRET)), 10001, "token.lock_not_open")
    town.clock.set(end + timedelta(seconds=1))
    refused(try_swap(town, wallet, keyset, proof), 10001, "token.lock_not_open")
    assert try_swap(town, wallet, keyset, sign_lock(proof, PAYER_SECRET)).status_code == 200
    refused(try_swap(town, wallet, keyset, sign_lock(proof, SHOP_SECRET)), 11001, "token.already_spent")


def test_the_shop_can_still_redeem_after_the_lock_time(town: Town, wallet: Wallet, keyset: str) -> None:
    proof = locked(wallet, keyset, NOON + timedelta(days=1))
    town.clock.set(NOON + timedelta(days=2))
    assert try_swap(town, wallet, keyset, sign_lock(proof, SHOP_SECRET)).status_code == 200


@pytest.mark.parametrize(
    "secret", ['["HTLC",{"nonce":"0","data":"00"}]', '["P2PK",{}]', '["P2PK",{"nonce":"0","data":"02"}]']
)
def test_a_malformed_or_unsupported_condition_is_refused(town: Town, wallet: Wallet, keyset: str, secret: str) -> None:
    (proof,) = wallet.swap(wallet.receive(keyset, 64), wallet.blanks(keyset, [64], secrets=[secret]))
    answer = try_swap(town, wallet, keyset, proof)
    assert answer.status_code == 400
    assert answer.json()["error"] in {"token.malformed", "token.bad_point"}
