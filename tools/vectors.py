"""Vectors of what Python and TypeScript share and nobody published: `python tools/vectors.py` writes them to `vectors/amparo/`.

Python is the reference, the apps' TypeScript (web/cashu) is held to it. Everything is made from fixed texts, so the files come out
the same each time; `packages/purse/tests/test_vectors.py` says when they do not. Hostile inputs are given as a good one and the
byte that is changed in it, and their outcome as an error's code or, where they can be read all the same, a hash of what was read.
"""

import hashlib
import json
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from amparo_cashu import bech32
from amparo_cashu.base64url import encode
from amparo_cashu.cbor import write_cbor
from amparo_cashu.curve import ORDER, generator_times, hash_to_curve, multiply, read_point, show_point
from amparo_cashu.errors import TokenError
from amparo_cashu.nut00_token import Token, read_raw, read_token, without_dleq, write_raw, write_token
from amparo_cashu.nut10_secret import read_condition, write_lock, write_secret
from amparo_cashu.nut12_dleq import challenge
from amparo_cashu.nut16_ur import UrWriter
from amparo_cashu.nut18_request import LockOption, PaymentRequest, Transport, read_request, write_request
from amparo_cashu.nut26_request import read_request_b, write_request_b
from amparo_cashu.outputs import LockTo, OutputPlan, finish, messages
from amparo_cashu.spent_filter import SpentFilter, build_filter, filter_item
from amparo_cashu.wire import BlindSignature, Dleq, Proof
from amparo_common.errors import AmparoError
from amparo_common.secret import Secret
from amparo_purse.recovery import derived_key, qr_text, read_code, seed_of, write_code

FOLDER = Path(__file__).parents[1] / "vectors" / "amparo"
MINT_URL = "https://mint.example.org"
NOW = 1_760_000_000
_MOST_EXACT = 2**53 - 1
Vector = dict[str, Any]


class Dice:
    """Numbers that look random and are the same each time."""

    def __init__(self, seed: str) -> None:
        self._state = hashlib.sha256(seed.encode()).digest()

    def bytes(self, size: int) -> bytes:
        """So many bytes."""
        found = b""
        while len(found) < size:
            self._state = hashlib.sha256(self._state).digest()
            found += self._state
        return found[:size]

    def below(self, below: int) -> int:
        """A number from 0 to `below` - 1."""
        return int.from_bytes(self.bytes(8), "big") % below


def _key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _point(number: int) -> str:
    return show_point(generator_times(_key(number)))


_MINT, _SHOP, _PAYER = 7_001, 7_002, 7_003
_KEYSET = "01" + "ab" * 32
_OTHER_KEYSET = "01" + "cd" * 32


# --- The recovery code --------------------------------------------------------------------------------------------------


def recovery_code() -> dict[str, Any]:
    """Codes, their seeds and keys; codes with slips; every digit that Unicode 3.2 knows."""
    dice = Dice("recovery code")
    entropies = [bytes(16), b"\xff" * 16, bytes(15) + b"\x01", *(dice.bytes(16) for _ in range(9))]
    codes = [_recovery(entropy) for entropy in entropies]
    # Of a fixed edition of Unicode, so that a newer Python makes the same file.
    known = unicodedata.ucd_3_2_0
    digits = [
        sign
        for sign in map(chr, range(sys.maxunicode + 1))
        if known.category(sign) == unicodedata.category(sign) == "Nd"
    ]
    return {
        "source": "packages/purse/src/amparo_purse/recovery.py: a form of our own, docs/formats/recovery-code.md",
        "vectors": codes,
        "typed": [_typed(text) for text in _typings(codes[3]["code"], codes[4]["code"], dice)],
        "digits": [[sign, known.decimal(sign)] for sign in digits],
    }


def _recovery(entropy: bytes) -> Vector:
    code = write_code(Secret(entropy))
    seed = seed_of(Secret(entropy))
    purposes = ("", "shop", "refund 2026-10", "recibo ñ")
    return {
        "entropy_hex": entropy.hex(),
        "code": code,
        "qr": qr_text(code),
        "seed_hex": seed.reveal().hex(),
        "keys": {purpose: derived_key(seed, purpose).reveal().hex() for purpose in purposes},
    }


def _typings(code: str, other: str, dice: Dice) -> Iterator[str]:
    plain = code.replace(" ", "")
    yield from (plain, f"  {code}\n", qr_text(code), qr_text(code).lower(), plain[::-1], plain[:-1], plain + "0", "")
    for zero in "٠۰०０𝟘":
        yield "\u200f".join(chr(ord(zero) + int(digit)) for digit in plain)
    yield from (code.replace(" ", sign) for sign in "-–—·.,;:/\t\u00a0\u2066_xX+²")
    yield from (plain[:at] + str((int(plain[at]) + 1 + dice.below(9)) % 10) + plain[at + 1 :] for at in range(56))
    yield from (plain[:at] + plain[at + 1] + plain[at] + plain[at + 2 :] for at in range(55))
    groups = code.split(" ")
    yield from (" ".join([*groups[:at], groups[at + 1], groups[at], *groups[at + 2 :]]) for at in range(13))
    # Every group right in itself, and one of another code.
    others = other.split(" ")
    yield from (" ".join([*groups[:at], others[at], *groups[at + 1 :]]) for at in range(14))
    yield "9999 " + " ".join(groups[1:])


def _typed(text: str) -> Vector:
    try:
        return {"text": text, "entropy_hex": read_code(text).reveal().hex()}
    except AmparoError as error:
        return {"text": text, "error": error.code, "what": error.what}


# --- Conditions ---------------------------------------------------------------------------------------------------------


def conditions() -> dict[str, Any]:
    """Secrets, each with the lock that it carries, null for a plain one, or the error."""
    dice = Dice("conditions")
    bases = list(_conditions())
    texts = [*bases, *(_mistyped(bases[dice.below(len(bases))], dice) for _ in range(400))]
    return {
        "source": "packages/cashu/src/amparo_cashu/nut10_secret.py: how strictly NUT-10 and NUT-11 are read",
        "note": "all readers decide alike: a till that took for plain what the mint takes for locked would lose the coin",
        "vectors": [_condition(text) for text in texts],
    }


def _conditions() -> Iterator[str]:
    shop, payer, third = _point(_SHOP), _point(_PAYER), _point(7_004)
    flipped = ("03" if shop[:2] == "02" else "02") + shop[2:]
    yield from (
        "",
        "plain",
        "ab" * 32,
        "[]",
        '["P2PK"]',
        '["P2PK",{}]',
        "{}",
        '[["P2PK"]]',
        '["P2PK",[]]',
        "ñ" * 512,
        "x" * 1_025,
    )
    yield write_lock("5f", shop, locktime=NOW, refund=payer)
    yield write_lock("5f", shop.upper(), locktime=NOW, refund=payer)
    tags: list[Any] = [
        [["locktime", str(NOW)]],
        [["pubkeys", payer, third], ["n_sigs", "2"]],
        [["pubkeys", payer], ["n_sigs", "3"]],
        [["pubkeys", shop]],
        [["pubkeys", flipped]],
        [["pubkeys"]],
        [["pubkeys", shop[2:]]],
        *([["n_sigs", count]] for count in ("0", "1", "01", "2", "-1", "1.0", "", "١", "²", "9" * 300)),
        [["n_sigs"]],
        [["n_sigs", "1", "1"]],
        *([["locktime", time]] for time in ("0", "007", "9" * 12, "9" * 13, "-1", "1e3", "١", "soon", "")),
        [["locktime"]],
        [["locktime", "1", "2"]],
        [["locktime", "1"], ["locktime", "2"]],
        [["refund", payer]],
        [["refund"]],
        [["refund", payer, third], ["n_sigs_refund", "2"]],
        [["refund", payer], ["n_sigs_refund", "2"]],
        [["refund", payer, payer]],
        [["refund", shop]],
        [["n_sigs_refund", "1"]],
        *([["sigflag", name]] for name in ("SIG_INPUTS", "SIG_ALL", "sig_all", "")),
        [["sigflag"]],
        [["sigflag", "SIG_INPUTS", "SIG_ALL"]],
        [["new"], ["new"], ["memo", "x"]],
        [[]],
        [["a", 5]],
        [["a", None]],
        ["a"],
        {},
        None,
        "x",
        5,
    ]
    for each in tags:
        yield json.dumps(["P2PK", {"nonce": "5f", "data": shop, "tags": each}])
        yield json.dumps(
            ["P2PK", {"nonce": "5f", "data": shop, "tags": each}], ensure_ascii=False, separators=(",", ":")
        )
    yield from (
        write_secret(kind, "5f", data, [])
        for kind in ("P2PK", "HTLC", "p2pk", "")
        for data in (shop, "00" * 33, "zz", "")
    )
    good = write_secret("P2PK", "5f", shop, [])
    yield from (
        f" \t\r\n{good}",
        f"\u00a0{good}",
        f"\ufeff{good}",
        f"{good} ",
        f"{good}x",
        f"{good},",
        good[:-1],
        good[:-1] + ',"x"]',
    )
    field = f'"nonce":"5f","data":"{shop}"'
    more = (
        '"tags":[],"tags":[]',
        '"x":NaN',
        '"x":-Infinity',
        '"x":Infinity',
        '"x":-NaN',
        '"x":nan',
        '"x":{"a":1,"a":2}',
        '"x":{"a":1,"\\u0061":2}',
        '"x":{"a":1,"b":2}',
        '"x":01',
        '"x":1.',
        '"x":.5',
        '"x":-',
        '"x":-0.5e+07',
        '"x":1E400',
        '"x":"\\x"',
        '"x":"\\ud800"',
        '"x":"\ud800"',
        '"x":"\t"',
        '"x":"\x7f\u2028"',
        '"x":"\\/\\b\\f\\n\\r\\t"',
        '"x":"\\u00e"',
        "x:1",
        "'x':1",
        '"x":undefined',
        '"x":true,"y":false,"z":null',
        '"x":[1,]',
        '"x":[,]',
        '"x":{,}',
        '"__proto__":{"a":1}',
        '"__proto__":1,"__proto__":2',
        '"constructor":1',
        '"x":' + "[" * 61 + "]" * 61,
        '"x":' + "[" * 62 + "]" * 62,
        '"x":"' + "[" * 62 + '"',
        '"x":"' + "[" * 63 + '"',
        '"nonce":"6"',
        "",
        ",",
    )
    for each in more:
        yield f'["P2PK",{{{field},{each}}}]'
    yield from (
        f'["\\u00502PK",{{{field}}}]',
        f'["P2PK",{{{field}}},5]',
        f'["P2PK",5,{{{field}}}]',
        '["HTLC",{"a":1,"a":1},',
    )
    yield f'["P2PK", {{ "data" : "{shop}" , "nonce" : "5f" }} ]'
    yield f'["P2PK",{{"nonce":5,"data":"{shop}"}}]'
    yield f'["P2PK",{{"nonce":"5f","data":"{shop}","tags":[["a","{"x" * (1_024 - len(good) - 7)}"]]}}]'
    yield f'["P2PK",{{"nonce":"5f","data":"{shop}","tags":[["a","{"x" * (1_024 - len(good) - 6)}"]]}}]'


_SIGNS = '[]{}",:\\ \t0123456789abefNIntul-+.\u00e9\u0661'


def _mistyped(text: str, dice: Dice) -> str:
    at, sign = dice.below(len(text) + 1), _SIGNS[dice.below(len(_SIGNS))]
    return (text[:at] + text[at + 1 :], text[:at] + sign + text[at + 1 :], text[:at] + sign + text[at:])[dice.below(3)]


def _condition(secret: str) -> Vector:
    try:
        condition = read_condition(secret)
    except TokenError as error:
        return {"secret": secret, "error": error.code}
    return {"secret": secret, "lock": None if condition is None else msgspec.to_builtins(condition.lock)}


# --- Outputs ------------------------------------------------------------------------------------------------------------


def outputs() -> dict[str, Any]:
    """Plans with the messages, the mint's signatures and the coins that come of them."""
    dice = Dice("outputs")
    locks = [None, LockTo(_point(_SHOP), NOW, _point(_PAYER)), LockTo(_point(_SHOP), NOW, _point(_PAYER), hide=True)]
    plans = [
        OutputPlan(keyset=_KEYSET, counter=0, amounts=[1, 2, 4], locks=[None, None, None]),
        OutputPlan(keyset=_KEYSET, counter=2**40, amounts=[8, 8, 8], locks=locks),
        OutputPlan(keyset=_OTHER_KEYSET, counter=7, amounts=[1, 512, 4_096], locks=[locks[2], locks[2], locks[1]]),
    ]
    return {
        "source": "packages/cashu/src/amparo_cashu/outputs.py, nut13_secrets.py (derive_ephemeral) and nut28_p2bk.py",
        "mint_secret_hex": _key(_MINT).hex(),
        "mint_point_hex": _point(_MINT),
        "vectors": [_plan(plan, dice.bytes(64)) for plan in plans],
    }


def _plan(plan: OutputPlan, seed: bytes) -> Vector:
    made = messages(plan, Secret(seed))
    signatures = [_sign(each.amount, each.id, each.B_) for each in made]
    proofs = finish(plan, Secret(seed), signatures, {str(amount): _point(_MINT) for amount in plan.amounts})
    return {
        "seed_hex": seed.hex(),
        "plan": msgspec.to_builtins(plan),
        "messages": msgspec.to_builtins(made),
        "signatures": msgspec.to_builtins(signatures),
        "proofs": msgspec.to_builtins(proofs),
    }


def _sign(amount: int, keyset: str, blinded: str) -> BlindSignature:
    secret, nonce = int.from_bytes(_key(_MINT), "big"), 9
    signed = multiply(read_point(blinded), _key(_MINT))
    points = (
        generator_times(_key(nonce)),
        multiply(read_point(blinded), _key(nonce)),
        generator_times(_key(_MINT)),
        signed,
    )
    e = challenge(*points)
    s = (nonce + int.from_bytes(e, "big") * secret) % ORDER
    return BlindSignature(
        amount=amount, id=keyset, C_=show_point(signed), dleq=Dleq(e=e.hex(), s=s.to_bytes(32, "big").hex())
    )


# --- Tokens and requests, good and hostile ------------------------------------------------------------------------------


def tokens() -> dict[str, Any]:
    """Tokens as text, a voucher's among them, and tokens in which one byte is another."""
    dice = Dice("tokens")
    coins = [msgspec.convert(proof, Proof) for vector in outputs()["vectors"] for proof in vector["proofs"]]
    signed = msgspec.structs.replace(coins[4], witness='{"signatures":["' + "5a" * 64 + '"]}')
    made = [
        Token(mint=MINT_URL, unit="usd", proofs=coins[:3]),
        Token(mint=f"{MINT_URL}//", unit="comida ñ", proofs=[coins[6], coins[0], coins[7], signed, coins[5]]),
        Token(mint=MINT_URL, unit="usd", proofs=[without_dleq(coins[8])]),
    ]
    raws = [write_raw(token) for token in made]
    old = json.dumps(
        {
            "token": [{"mint": f"{MINT_URL}/", "proofs": msgspec.to_builtins([*coins[:2], signed])}],
            "unit": "usd",
            "memo": "x",
        }
    )
    return {
        "source": "packages/cashu/src/amparo_cashu/nut00_token.py",
        "keysets": [_KEYSET, _OTHER_KEYSET],
        "vectors": [
            {"token": msgspec.to_builtins(each), "text": write_token(each), "raw_hex": write_raw(each).hex()}
            for each in made
        ],
        "version_3": {
            "text": "cashuA" + encode(old.encode()),
            "rewritten": write_token(_read_token("cashuA" + encode(old.encode()))),
        },
        "changed": [_changed(raws, dice, _reread_token) for _ in range(500)],
        "changed_version_3": [_changed([old.encode()], dice, _reread_version_3) for _ in range(200)],
    }


def _read_token(text: str) -> Token:
    return read_token(text, keysets=[_KEYSET, _OTHER_KEYSET])


def _exact(token: Token) -> str | None:
    """The token written anew; None for an amount that TypeScript does not read."""
    return write_token(token) if all(proof.amount <= _MOST_EXACT for proof in token.proofs) else None


def _reread_token(data: bytes) -> str | None:
    return _exact(read_raw(data, keysets=[_KEYSET, _OTHER_KEYSET]))


def _reread_version_3(data: bytes) -> str | None:
    return _exact(_read_token("cashuA" + encode(data)))


def _changed(bases: Sequence[bytes], dice: Dice, reread: Callable[[bytes], str | None]) -> Vector:
    """One byte of one base replaced, taken out or put in."""
    base = dice.below(len(bases))
    at, byte, way = dice.below(len(bases[base])), dice.below(256), ("replace", "remove", "insert")[dice.below(3)]
    return {"base": base, "at": at, "byte": byte, "way": way} | _outcome(
        lambda: reread(change(bases[base], at, byte, way))
    )


def change(data: bytes, at: int, byte: int, way: str) -> bytes:
    """`data` with one byte replaced, removed or inserted."""
    return data[:at] + (b"" if way == "remove" else bytes([byte])) + data[at if way == "insert" else at + 1 :]


def _outcome(reread: Callable[[], str | None]) -> Vector:
    try:
        found = reread()
    except TokenError as error:
        return {"error": error.code}
    # Read by Python, refused by TypeScript, whose numbers end at 2^53.
    return (
        {"error": "token.malformed"} if found is None else {"sha256": hashlib.sha256(found.encode()).hexdigest()[:16]}
    )


def requests() -> dict[str, Any]:
    """Payment requests in both forms, and requests in which one byte is another."""
    dice = Dice("requests")
    profile = bech32.encode("npub", bytes.fromhex(_point(_SHOP)[2:]), constant=bech32.BECH32)
    lock = LockOption(kind="P2PK", data=_point(_SHOP), tags=[["locktime", str(NOW)], ["refund", _point(_PAYER)]])
    made = [
        PaymentRequest(description="x"),
        PaymentRequest(id="7f4a2b39", amount=700, unit="usd", mints=[MINT_URL], single_use=True, lock=lock),
        PaymentRequest(
            amount=_MOST_EXACT,
            unit="sat",
            mints=[MINT_URL, f"{MINT_URL}/other"],
            description="Arroz ñ 水",
            single_use=False,
            transports=[
                Transport(kind="post", target="https://shop.example.org/pay", tags=[["a", "b", ""]]),
                Transport(kind="nostr", target=profile, tags=[["n", "17"], ["r", "wss://relay.example.org"]]),
                Transport(kind="200", target="x"),
            ],
        ),
    ]
    forms_a = [write_cbor(msgspec.to_builtins(each)) for each in made]
    forms_b = [bech32.decode(write_request_b(each), "creqb", constant=bech32.BECH32M) for each in made]
    return {
        "source": "packages/cashu/src/amparo_cashu/nut18_request.py and nut26_request.py",
        "note": "a changed byte of form B is put under a right checksum; what could be read is hashed as form A",
        "vectors": [
            {"request": msgspec.to_builtins(each), "form_a": write_request(each)} | _form_b(each) for each in made
        ],
        "changed_a": [_changed(forms_a, dice, _reread_a) for _ in range(400)],
        "changed_b": [_changed(forms_b, dice, _reread_b) for _ in range(400)],
    }


def _form_b(request: PaymentRequest) -> Vector:
    """Form B, and what it says as form A: a profile takes up the addresses of its relays."""
    text = write_request_b(request)
    return {"form_b": text, "form_b_as_a": write_request(read_request_b(text))}


def _reread_a(data: bytes) -> str | None:
    return _exact_request(read_request("creqA" + encode(data)))


def _reread_b(data: bytes) -> str | None:
    return _exact_request(read_request_b(bech32.encode("creqb", data, constant=bech32.BECH32M)))


def _exact_request(request: PaymentRequest) -> str | None:
    return write_request(request) if (request.amount or 0) <= _MOST_EXACT else None


# --- Series of codes, filters of spent tokens ---------------------------------------------------------------------------


def series() -> dict[str, Any]:
    """Messages as series of codes, far beyond the plain parts; the parts of a message as one hash over all."""
    dice = Dice("series")
    sizes = [(1, 200), (26, 10), (300, 200), (777, 50), (2_500, 120), (6_000, 10), (20_000, 200)]
    return {
        "source": "packages/cashu/src/amparo_cashu/nut16_ur.py: beyond the published parts",
        "note": "sha256 over the parts 1 to `parts` in small letters, each with a line feed",
        "vectors": [_series(dice.bytes(size), longest) for size, longest in sizes],
    }


def _series(content: bytes, longest: int) -> Vector:
    writer = UrWriter(content, longest=longest)
    parts = 1 if writer.count == 1 else 2 * writer.count + 20
    hashed = hashlib.sha256("".join(f"{writer.part(number)}\n" for number in range(1, parts + 1)).encode()).hexdigest()
    seed = content[:32].hex() if len(content) < 32 else ""
    return {
        "size": len(content),
        "longest": longest,
        "count": writer.count,
        "parts": parts,
        "content_hex": seed or content.hex(),
        "sha256": hashed,
    }


def filters() -> dict[str, Any]:
    """A filter of two buckets, what it says of tokens, and what it says when one byte of it is another."""
    dice = Dice("filters")
    points = [hash_to_curve(f"filter {number}".encode()).format() for number in range(700)]
    items = [filter_item(_KEYSET, point) for point in points]
    data = build_filter(b"".join(sorted(items)), keyset=_KEYSET, day=20_500, bits=6)
    asked = [*items[:6], *(dice.bytes(8) for _ in range(10))]
    places = [*range(63), *(63 + dice.below(len(data) - 63) for _ in range(120))]
    return {
        "source": "packages/cashu/src/amparo_cashu/spent_filter.py: a form of our own, docs/formats/spent-filter.md",
        "keyset_id": _KEYSET,
        "points_hex": [point.hex() for point in points[:6]],
        "items_hex": [item.hex() for item in asked],
        "filter_hex": data.hex(),
        "answers": _answers(data, asked),
        "changed": [_changed_filter(data, at, 1 << dice.below(8), asked) for at in places],
    }


def _answers(data: bytes, items: Sequence[bytes]) -> str:
    """1 for spent, 0 for not, x for damaged there; or the error's code when the whole filter is refused."""
    try:
        spent = SpentFilter(data)
    except TokenError as error:
        return error.code
    return "".join(_answer(spent, item) for item in items)


def _answer(spent: SpentFilter, item: bytes) -> str:
    try:
        return str(int(spent.has(item)))
    except TokenError:
        return "x"


def _changed_filter(data: bytes, at: int, bit: int, items: Sequence[bytes]) -> Vector:
    byte = data[at] ^ bit
    return {"at": at, "byte": byte, "answers": _answers(data[:at] + bytes([byte]) + data[at + 1 :], items)}


# --- Files --------------------------------------------------------------------------------------------------------------

FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "conditions": conditions,
    "filters": filters,
    "outputs": outputs,
    "recovery_code": recovery_code,
    "requests": requests,
    "series": series,
    "tokens": tokens,
}


def render(name: str) -> str:
    """The text of a file: one vector a line."""
    content = {"generator": "python tools/vectors.py"} | FILES[name]()
    lines = (f"{json.dumps(key)}: {_value(value)}" for key, value in content.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(json.dumps(each) for each in value) + "\n]"


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (FOLDER / f"{name}.json").write_text(render(name))
        print(f"vectors/amparo/{name}.json")


if __name__ == "__main__":
    main()
