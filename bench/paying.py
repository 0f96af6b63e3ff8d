"""An office for the load of `bench.mint`: it has one large payment approved in the log and pays every quote it is told of."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from amparo_common.bridge import AidApproved, KeyAnnounced, QuotePaid, seal
from amparo_common.ids import QuoteId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_service.client import Client

APPROVED = 10**14


class _Wanted(msgspec.Struct, frozen=True):
    quote: str
    amount: int
    unit: str


def approve(log_url: str, vkey: str, key: SigningKey, memory: Path, unit: str) -> None:
    """Announce the office's key and have a payment approved that no load uses up."""
    follower = LogFollower(Client(log_url), vkey, memory)
    follower.publish(KeyAnnounced(purpose="office", jwk=key.public.jwk), key)
    approved = AidApproved(programme="load", cycle="1", root="0" * 64, total=APPROVED, unit=Unit(unit), approvals=2)
    follower.publish(approved, key)


@contextlib.contextmanager
def paying(mint_url: str, key: SigningKey) -> Iterator[str]:
    """An address that pays quotes at the mint: POST /pay {quote, amount, unit}."""
    mint = Client(mint_url)

    class Desk(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            wanted = msgspec.json.decode(body, type=_Wanted)
            message = seal(QuotePaid(quote=QuoteId(wanted.quote), amount=wanted.amount, unit=Unit(wanted.unit)), key)
            mint.post_bytes("/bridge/quote-paid", message.encode(), dict[str, bool])
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
