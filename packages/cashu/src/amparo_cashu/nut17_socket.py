"""NUT-17: frames that arrive on a mint's websocket, read with bounds. Subscriptions themselves are the mint's."""

import msgspec

from amparo_cashu.errors import BadToken, TooMany
from amparo_cashu.wire import Subscribe, Unsubscribe

PROOF_STATE = "proof_state"
LONGEST_FRAME = 65_536
LONGEST_NAME = 128

_frames = msgspec.json.Decoder(Subscribe | Unsubscribe)


def read_frame(frame: bytes | str, *, most_filters: int) -> Subscribe | Unsubscribe:
    """A wallet's request. Raises `BadToken` for anything else and `TooMany` above `most_filters`."""
    if len(frame) > LONGEST_FRAME:
        raise BadToken("A frame is too long.")
    try:
        request: Subscribe | Unsubscribe = _frames.decode(frame)
    except (ValueError, RecursionError) as error:
        raise BadToken("A frame is not a request of NUT-17.") from error
    names = [request.params.sub_id]
    if isinstance(request, Subscribe):
        if len(request.params.filters) > most_filters:
            raise TooMany("A subscription has too many filters.")
        names += [request.params.kind, *request.params.filters]
    if any(not 0 < len(name) <= LONGEST_NAME for name in names):
        raise BadToken("A name in a frame is empty or too long.")
    return request


def mint_quote_kind(method: str) -> str:
    """The kind of subscription that tells about mint quotes of a method, as in `bolt11_mint_quote`."""
    return f"{method}_mint_quote"


def melt_quote_kind(method: str) -> str:
    """The kind of subscription that tells about melt quotes of a method."""
    return f"{method}_melt_quote"
