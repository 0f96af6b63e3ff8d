"""The version of a keyset is a plug point from end to end. With a second kind of coin, unlike the first in the length of its
points, the blinding, the proof and the derivation, signer, mint, purse and till do everything that they do with the first. It
takes a class for whoever signs, and one for whoever holds coins."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from tests.journeys.conftest import Device, Town, code

from amparo_cashu import nut13_secrets
from amparo_cashu.curve import ORDER, generator_times, hash_to_curve, multiply, read_point, show_point
from amparo_cashu.errors import BadPoint, KeysetUnknown, ProofFalse, SignatureNotProved
from amparo_cashu.nut13_secrets import BlankSecret
from amparo_cashu.schemes import SCHEMES
from amparo_cashu.wire import BlindedMessage, BlindSignature, Keyset, Proof, Signatures, SwapRequest
from amparo_common.secret import Secret
from amparo_purse.restore import Manner, Restorer
from amparo_service.errors import RemoteError
from amparo_signer import folder, service
from amparo_signer.batch import Engine
from amparo_signer.keymemory import DenominationKey
from amparo_signer.schemes import Scheme, schemes
from amparo_till.errors import TakenBefore

TOY = "fe"
# Of a point the first byte says that it is one of these.
MARK = b"\x2a"


class Pairing:
    """Whether a signature was made with a public key: everybody can tell with such coins. Here by knowing all keys."""

    def __init__(self) -> None:
        self.private: dict[str, bytes] = {}

    def holds(self, point: bytes, signed: bytes, key: str) -> bool:
        """Whether `signed` is `point` times the secret of `key`."""
        return key in self.private and times(point, self.private[key]) == signed


def times(point: bytes, scalar: bytes) -> bytes:
    """A multiple of a point. Raises `BadPoint`."""
    if point[:1] != MARK:
        raise BadPoint("A value is not a point of a toy.")
    return MARK + multiply(read_point(point[1:].hex()), scalar).format()


def named(secret: bytes) -> bytes:
    """Y of a coin."""
    return MARK + hash_to_curve(b"toy" + secret).format()


class ToySigning:
    """Multiplies what it is given. No proof: see `Pairing`."""

    version = TOY

    def __init__(self, pairing: Pairing) -> None:
        self._pairing = pairing

    def derive(self, seed: bytes, amount: int) -> DenominationKey:
        """A key for each amount."""
        return DenominationKey(hashlib.sha256(seed + b"toy %d" % amount).digest())

    def id_of(self, keys: Mapping[int, str], *, unit: str, final_expiry: int | None) -> str:
        """Of every key."""
        return toy_id(keys, unit, final_expiry)

    def show(self, key: DenominationKey) -> str:
        """The public key."""
        shown = (MARK + key.public.format()).hex()
        self._pairing.private[shown] = key.reveal()
        return shown

    def verify(
        self, keys: Sequence[DenominationKey], secrets: Sequence[bytes], signatures: Sequence[bytes]
    ) -> list[bytes]:
        """By doing it again."""
        return [
            named(secret) if times(named(secret), key.reveal()) == signed else b""
            for key, secret, signed in zip(keys, secrets, signatures, strict=True)
        ]

    def sign(self, keys: Sequence[DenominationKey], blinded: Sequence[bytes]) -> list[bytes]:
        """B_ times the key, and nothing behind it."""
        found = []
        for key, each in zip(keys, blinded, strict=True):
            try:
                found.append(times(each, key.reveal()))
            except BadPoint:
                found.append(b"")
        return found


class ToyCoins:
    """Blinds by multiplying, and takes the factor off again by dividing."""

    version = TOY
    point_bytes = 34

    def __init__(self, pairing: Pairing) -> None:
        self._pairing = pairing

    def point_data(self, text: str) -> bytes:
        """Mark and compressed point."""
        if len(text) != 2 * self.point_bytes:
            raise BadPoint("A point of a toy has another length.")
        read_point(text[2:])
        return bytes.fromhex(text)

    def is_point_like(self, data: bytes) -> bool:
        """By length and mark."""
        return len(data) == self.point_bytes and data[:1] == MARK

    def check_keyset(self, keyset: Keyset) -> None:
        """The id says it all."""
        if keyset.id != toy_id({int(each): key for each, key in keyset.keys.items()}, keyset.unit, keyset.final_expiry):
            raise KeysetUnknown("A toy keyset is not what it says.")

    def blank(self, seed: Secret, keyset: str, counter: int) -> BlankSecret:
        """Other secrets than the first version's."""
        found = nut13_secrets.derive(seed, like_the_first(keyset), counter)
        return BlankSecret(secret="toy " + found.secret, factor=found.factor)

    def ephemeral(self, seed: Secret, keyset: str, counter: int) -> bytes:
        """As the first version's."""
        return nut13_secrets.derive_ephemeral(seed, like_the_first(keyset), counter)

    def blind(self, secret: str, factor: bytes) -> str:
        """Y times the factor."""
        return times(named(secret.encode()), factor).hex()

    def finish(self, secret: str, factor: bytes, signature: BlindSignature, key: str) -> Proof:
        """C_ divided by the factor, looked at in public."""
        back = pow(int.from_bytes(factor, "big"), -1, ORDER).to_bytes(32, "big")
        signed = times(bytes.fromhex(signature.C_), back)
        proof = Proof(amount=signature.amount, id=signature.id, secret=secret, C=signed.hex())
        self.check(proof, key)
        return proof

    def check(self, proof: Proof, key: str) -> None:
        """By the pairing."""
        if not self._pairing.holds(named(proof.secret.encode()), bytes.fromhex(proof.C), key):
            raise SignatureNotProved("A toy coin was not made with this key.")

    def point(self, secret: str) -> str:
        """Y."""
        return named(secret.encode()).hex()

    def invented(self, chance: bytes) -> str:
        """Something else."""
        return (MARK + generator_times(b"\x01" + chance).format()).hex()


def toy_id(keys: Mapping[int, str], unit: str, final_expiry: int | None) -> str:
    """An id of 33 bytes, as the first version's."""
    return TOY + hashlib.sha256(repr((sorted(keys.items()), unit, final_expiry)).encode()).hexdigest()


def like_the_first(keyset: str) -> str:
    """An id that the first version's derivation takes."""
    return "01" + keyset[2:]


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A town with a keyset of the first version; from now on it makes those of the second."""
    pairing = Pairing()

    def both(engine: Engine) -> dict[str, Scheme]:
        return schemes(engine) | {TOY: ToySigning(pairing)}

    monkeypatch.setitem(SCHEMES, TOY, ToyCoins(pairing))
    monkeypatch.setattr(service, "schemes", both)
    made = Town(tmp_path)
    made.rotate("old")
    monkeypatch.setattr(folder, "CURRENT", TOY)
    yield made
    made.close()


def versions(device: Device) -> set[str]:
    """Of a device's coins."""
    return {coin.id[:2] for coin in device.coins()}


def test_coins_of_a_second_version_do_everything_that_those_of_the_first_do(town: Town, tmp_path: Path) -> None:
    payer, shop = Device(town), Device(town)
    payer.fill(40)
    assert versions(payer) == {"01"}
    assert town.rotate("new").startswith(TOY)
    payer.fill(60)
    assert versions(payer) == {"01", TOY}

    # Both in one exchange, and paid with a connection.
    payer.purse.make_exact(77, "food")
    request = shop.till.request(77, "food")
    shop.till.accept_online(code(payer.purse.pay(77, "food")), request)
    # Set aside for the shop, judged without a connection, found when it is shown twice, deposited.
    payer.lock(20, shop.till, "bread")
    locked = code(payer.purse.pay_held("food", label="bread"))
    shop.till.accept_offline(locked, shop.till.request(20, "food"))
    with pytest.raises(TakenBefore):
        shop.till.accept_offline(locked, shop.till.request(20, "food"))
    shop.till.deposit("food")
    assert town.deposited(shop.shop.shop) == 97
    assert (payer.value(), versions(payer)) == (3, {TOY})

    # A lost phone.
    found = Device(town)
    restorer = Restorer(found.purse, connect=lambda: town.mint_client, manner=Manner(pause=0))
    restorer.begin(payer.purse.recovery_code(), gap=60)
    while not restorer.step().done:
        pass
    assert (found.value(), versions(found)) == (3, {TOY})
    for device in (payer, shop, found):
        device.database.close()


def test_what_is_refused_of_the_first_version_is_refused_of_a_second(town: Town) -> None:
    keyset = town.rotate("new")
    device = Device(town)
    device.fill(8)
    (coin,) = device.coins()
    for false in (
        msgspec.structs.replace(coin, secret="toy of a forger"),
        msgspec.structs.replace(coin, C=coin.C[2:]),
        msgspec.structs.replace(coin, C="02" + coin.C[2:]),
    ):
        with pytest.raises((SignatureNotProved, BadPoint)):
            device.purse.keys.check_genuine(false, "food")
        with pytest.raises(RemoteError) as refused:
            device.purse.receive([false], "food")
        assert refused.value.stable_code == ProofFalse.code
    for point in (show_point(generator_times(b"\x05" * 32)), coin.C + "00", "zz" * 34):
        with pytest.raises(RemoteError) as refused:
            device.purse.mint.post(
                "/v1/swap",
                SwapRequest(inputs=[coin], outputs=[BlindedMessage(amount=8, id=keyset, B_=point)]),
                Signatures,
            )
        assert refused.value.stable_code == BadPoint.code
    device.database.close()


def test_a_mint_that_signs_with_another_key_of_a_second_version_is_refused(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.rotate("new")
    device = Device(town)
    with monkeypatch.context() as tagging:
        tagging.setattr(
            ToySigning, "sign", lambda _self, _keys, blinded: [times(each, b"\x07" * 32) for each in blinded]
        )
        with pytest.raises(SignatureNotProved):
            device.fill(8)
    device.database.close()


def test_a_mint_announces_no_keyset_of_a_version_that_it_does_not_know(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = town.log.store.size()
    with monkeypatch.context() as older:
        older.delitem(SCHEMES, TOY)
        with pytest.raises(KeysetUnknown):
            town.rotate("new")
    assert town.log.store.size() == before
    device = Device(town)
    device.fill(8)
    assert versions(device) == {"01"}
    device.database.close()
