"""NUT-26: payment requests in form B: Bech32m of tag-length-value fields, in capitals for small QR codes. `read_any_request` takes
form A too, bare or inside a `bitcoin:` URI.

A field is a type (1 byte), a length (2 bytes, big-endian) and a value. Unknown fields are skipped. A kind of transport or lock
that has no name here is kept as its number, so that nobody takes a request with it for one without.
"""

from collections.abc import Iterator, Sequence

from amparo_cashu import bech32
from amparo_cashu.errors import BadToken
from amparo_cashu.nut18_request import LockOption, PaymentRequest, Transport, check_request, read_request

LONGEST = 8_192
_PREFIX = "creqb"
_ID, _AMOUNT, _UNIT, _SINGLE_USE, _MINT, _DESCRIPTION, _TRANSPORT, _LOCK = range(1, 9)
_KIND, _TARGET, _TAG = range(1, 4)
_REPEATED = frozenset({_MINT, _TRANSPORT})
_SAT = b"\x00"
_TRANSPORTS = {0: "nostr", 1: "post"}
_LOCKS = {0: "P2PK", 1: "HTLC"}
# NIP-19: a key alone, or a key (0) with relays (1) as fields with a length of one byte
_NOSTR_KEY, _NOSTR_RELAY = 0, 1
_RELAY_TAG = "r"


def write_request_b(request: PaymentRequest) -> str:
    """The request as text of form B, in capitals. Raises `BadToken` when it is out of bounds or has no such form."""
    check_request(request)
    fields = []
    if request.id is not None:
        fields.append(_field(_ID, request.id.encode()))
    if request.amount is not None:
        fields.append(_field(_AMOUNT, request.amount.to_bytes(8, "big")))
    if request.unit is not None:
        fields.append(_field(_UNIT, _SAT if request.unit == "sat" else request.unit.encode()))
    if request.single_use is not None:
        fields.append(_field(_SINGLE_USE, bytes([request.single_use])))
    fields += [_field(_MINT, mint.encode()) for mint in request.mints]
    if request.description is not None:
        fields.append(_field(_DESCRIPTION, request.description.encode()))
    fields += [_field(_TRANSPORT, _write_transport(each)) for each in request.transports]
    if request.lock is not None:
        fields.append(_field(_LOCK, _write_lock(request.lock)))
    text = bech32.encode(_PREFIX, b"".join(fields), constant=bech32.BECH32M).upper()
    if len(text) > LONGEST:
        raise BadToken("The payment request is too long.")
    return text


def read_any_request(text: str) -> PaymentRequest:
    """A request from its text of form A or B, bare or as `creq` of a `bitcoin:` URI (BIP 321). Raises `BadToken`."""
    clean = text.strip()
    if len(clean) > 2 * LONGEST:
        raise BadToken("The payment request is too long.")
    if clean[:8].lower() == "bitcoin:":
        clean = _from_uri(clean)
    return read_request_b(clean) if clean[:6].lower() == f"{_PREFIX}1" else read_request(clean)


def _from_uri(uri: str) -> str:
    found = [part.partition("=")[2] for part in uri.partition("?")[2].split("&") if part.lower().startswith("creq=")]
    if len(found) != 1:
        raise BadToken("The URI does not hold exactly one payment request.")
    return found[0]


def read_request_b(text: str) -> PaymentRequest:
    """A request from its text of form B. Raises `BadToken`."""
    if len(text) > LONGEST:
        raise BadToken("The payment request is too long.")
    fields = _by_type(bech32.decode(text, _PREFIX, constant=bech32.BECH32M), length_bytes=2, repeated=_REPEATED)
    request = PaymentRequest(
        transports=[_read_transport(each) for each in fields.get(_TRANSPORT, [])],
        id=_text(fields.get(_ID)),
        amount=_number(fields.get(_AMOUNT), size=8),
        unit="sat" if fields.get(_UNIT) == [_SAT] else _text(fields.get(_UNIT)),
        mints=[_utf8(each) for each in fields.get(_MINT, [])],
        description=_text(fields.get(_DESCRIPTION)),
        single_use=_flag(_number(fields.get(_SINGLE_USE), size=1)),
        lock=_read_lock(fields[_LOCK][0]) if _LOCK in fields else None,
    )
    check_request(request)
    return request


def _field(kind: int, value: bytes) -> bytes:
    if len(value) >= 1 << 16:
        raise BadToken("A field of a payment request is too long.")
    return bytes([kind]) + len(value).to_bytes(2, "big") + value


def _fields(data: bytes, *, length_bytes: int) -> Iterator[tuple[int, bytes]]:
    place, head = 0, 1 + length_bytes
    while place < len(data):
        size = int.from_bytes(data[place + 1 : place + head], "big")
        value = data[place + head : place + head + size]
        if len(data) < place + head or len(value) != size:
            raise BadToken("A payment request is cut.")
        yield data[place], value
        place += head + size


def _by_type(data: bytes, *, length_bytes: int, repeated: frozenset[int]) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for kind, value in _fields(data, length_bytes=length_bytes):
        if kind in found and kind not in repeated:
            raise BadToken("A field of a payment request stands twice.")
        found.setdefault(kind, []).append(value)
    return found


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadToken("A text in a payment request is not UTF-8.") from error


def _text(values: list[bytes] | None) -> str | None:
    return None if values is None else _utf8(values[0])


def _number(values: list[bytes] | None, *, size: int) -> int | None:
    if values is None:
        return None
    if len(values[0]) != size:
        raise BadToken("A number in a payment request has the wrong length.")
    return int.from_bytes(values[0], "big")


def _flag(value: int | None) -> bool | None:
    if value not in (None, 0, 1):
        raise BadToken("A flag in a payment request is neither yes nor no.")
    return None if value is None else bool(value)


def _write_transport(transport: Transport) -> bytes:
    tags, target = transport.tags, transport.target.encode()
    if transport.kind == "nostr":
        target, relays = _read_profile(transport.target)
        tags = [*tags, *([_RELAY_TAG, relay] for relay in relays)]
    return _write_parts(transport.kind, _TRANSPORTS, target, tags)


def _write_lock(lock: LockOption) -> bytes:
    return _write_parts(lock.kind, _LOCKS, lock.data.encode(), lock.tags)


def _write_parts(kind: str, names: dict[int, str], target: bytes, tags: Sequence[Sequence[str]]) -> bytes:
    numbers = {name: number for number, name in names.items()}
    known = kind.isascii() and kind.isdigit() and len(kind) <= 3 and int(kind) < 256
    if kind not in numbers and not known:
        raise BadToken("A payment request has a kind that form B cannot express.")
    number = numbers.get(kind, int(kind) if known else 0)
    parts = [_field(_KIND, bytes([number])), _field(_TARGET, target)]
    return b"".join([*parts, *(_field(_TAG, _write_tag(tag)) for tag in tags)])


def _write_tag(tag: Sequence[str]) -> bytes:
    encoded = [part.encode() for part in tag]
    if any(len(part) > 255 for part in encoded):
        raise BadToken("A tag of a payment request is too long for form B.")
    return b"".join(bytes([len(part)]) + part for part in encoded)


def _read_parts(data: bytes, names: dict[int, str]) -> tuple[str, bytes, list[list[str]]]:
    fields = _by_type(data, length_bytes=2, repeated=frozenset({_TAG}))
    kind, target = _number(fields.get(_KIND), size=1), fields.get(_TARGET)
    if kind is None or target is None:
        raise BadToken("A transport or lock of a payment request has no kind or no target.")
    return names.get(kind, str(kind)), target[0], [_read_tag(each) for each in fields.get(_TAG, [])]


def _read_tag(data: bytes) -> list[str]:
    parts, place = [], 0
    while place < len(data):
        part = data[place + 1 : place + 1 + data[place]]
        if len(part) != data[place]:
            raise BadToken("A tag of a payment request is cut.")
        parts.append(_utf8(part))
        place += 1 + len(part)
    return parts


def _read_transport(data: bytes) -> Transport:
    kind, target, tags = _read_parts(data, _TRANSPORTS)
    if kind != "nostr":
        return Transport(kind=kind, target=_utf8(target), tags=tags)
    relays = [part for tag in tags if tag[:1] == [_RELAY_TAG] for part in tag[1:]]
    others = [tag for tag in tags if tag[:1] != [_RELAY_TAG]]
    return Transport(kind=kind, target=_write_profile(target, relays), tags=others)


def _read_lock(data: bytes) -> LockOption:
    kind, content, tags = _read_parts(data, _LOCKS)
    return LockOption(kind=kind, data=_utf8(content), tags=tags)


def _read_profile(text: str) -> tuple[bytes, list[str]]:
    """The key and the relays of an `npub` or `nprofile` (NIP-19)."""
    if text[:5].lower() == "npub1":
        key, relays = bech32.decode(text, "npub", constant=bech32.BECH32), []
    else:
        content = bech32.decode(text, "nprofile", constant=bech32.BECH32)
        fields = _by_type(content, length_bytes=1, repeated=frozenset(range(1, 256)))
        key = fields.get(_NOSTR_KEY, [b""])[0]
        relays = [_utf8(each) for each in fields.get(_NOSTR_RELAY, [])]
    if len(key) != 32:
        raise BadToken("A nostr profile has no key.")
    return key, relays


def _write_profile(key: bytes, relays: Sequence[str]) -> str:
    if len(key) != 32:
        raise BadToken("A nostr profile has no key.")
    if not relays:
        return bech32.encode("npub", key, constant=bech32.BECH32)
    content = bytes([_NOSTR_KEY, len(key)]) + key
    for relay in relays:
        data = relay.encode()
        content += bytes([_NOSTR_RELAY, len(data)]) + data
    return bech32.encode("nprofile", content, constant=bech32.BECH32)
