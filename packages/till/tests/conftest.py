"""A street for the till's tests: two shops' tills, a payer, a log and a mint on paper, and the shops side as a small server."""

import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packages.purse.tests.conftest import MINT_KEY, Coiner, PaperMint, TownLog

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.nut00_token import Token
from amparo_cashu.nut10_secret import write_lock
from amparo_cashu.wire import Proof
from amparo_common.clock import FixedClock
from amparo_common.secret import Secret
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_till.till import SCHEMA, SHORTEST_LOCK_SECONDS, Till, TillSettings

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOW = int(NOON.timestamp())
ACCESS = {"bakery": "access-of-the-bakery", "grocer": "access-of-the-grocer"}
PAYER = show_point(generator_times(b"\x05" * 32))


class ShopsDesk(http.server.ThreadingHTTPServer):
    """The shops side as a till sees it, over a real socket: it knows both shops by their access codes and keeps every claim
    by its number."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Desk)
        self.deposited = dict.fromkeys(ACCESS, 1_000)
        self.claims: dict[tuple[str, str], int] = {}
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def standing(self, shop: str, unit: str) -> dict[str, Any]:
        """A shop's totals."""
        asked = sum(amount for (each, _), amount in self.claims.items() if each == shop)
        total = self.deposited[shop]
        return {"unit": unit, "deposited": total, "to_settle": total, "asked": asked, "settled": 0}


class _Desk(http.server.BaseHTTPRequestHandler):
    server: ShopsDesk

    def do_GET(self) -> None:
        shop = self._shop()
        if shop is not None:
            self._say(200, self.server.standing(shop, self.path.removeprefix("/mine/")))

    def do_POST(self) -> None:
        shop = self._shop()
        asked = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
        if shop is None:
            return
        if asked["amount"] > self.server.deposited[shop]:
            self._say(409, {"code": "shops.claim_exceeds_deposits", "what": "Too much.", "why": "", "todo": ""})
            return
        self.server.claims.setdefault((shop, asked["claim"]), asked["amount"])
        self._say(200, self.server.standing(shop, asked["unit"]))

    def _shop(self) -> str | None:
        given = self.headers.get("authorization", "").removeprefix("Bearer ")
        found = next((shop for shop, access in ACCESS.items() if access == given), None)
        if found is None:
            self._say(403, {"code": "shops.not_this_shop", "what": "No.", "why": "", "todo": ""})
        return found

    def _say(self, status: int, body: Any) -> None:
        data = msgspec.json.encode(body)
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing is printed."""


class Street:
    """Two tills, each on a device of its own. `reopen` restarts them on the same files."""

    def __init__(self, folder: Path, desk_url: str) -> None:
        self.folder = folder
        self.desk_url = desk_url
        self.clock = FixedClock(NOON)
        self.log = TownLog()
        self.food, self.rent = Coiner("food"), Coiner("rent")
        for coiner in (self.food, self.rent):
            self.log.publish(coiner.announcement(), MINT_KEY)
        self.log.refresh()
        self.mint = PaperMint(self.food, self.rent)
        self._databases: list[Database] = []
        self.open()

    def open(self) -> None:
        """Start both devices."""
        self.bakery, self.grocer = self.till("bakery"), self.till("grocer")

    def till(
        self,
        shop: str,
        *,
        access: str | None = None,
        device: str = "",
        settings: TillSettings | None = None,
        lock_key: Secret | None = None,
    ) -> Till:
        """A shop's till on its own device, or on another one of the same shop."""
        self._databases.append(Database(self.folder / f"{shop}{device}.sqlite", [SCHEMA]))
        return Till(
            self._databases[-1],
            shop,
            access=access or ACCESS[shop],
            mint=Client("http://mint", transport=self.mint, patience=0),
            shops_url=self.desk_url,
            log=self.log,
            clock=self.clock,
            settings=settings,
            lock_key=lock_key,
        )

    def close(self) -> None:
        """Stop the devices."""
        for database in self._databases:
            database.close()
        self._databases.clear()

    def reopen(self) -> None:
        """Stop and start."""
        self.close()
        self.open()

    def connect(self, *, connected: bool) -> None:
        """Whether the devices have a connection."""
        self.mint.away = self.log.away = not connected

    def locked(
        self, amount: int, till: Till, *, until: int = NOW + 2 * SHORTEST_LOCK_SECONDS, coiner: Coiner | None = None
    ) -> Proof:
        """A coin locked to a till."""
        maker = coiner or self.food
        nonce = maker.coin(1).secret
        return maker.coin(amount, secret=write_lock(nonce, till.lock_key, locktime=until, refund=PAYER))


def code(*proofs: Proof, unit: str = "food") -> Token:
    """What a payer shows."""
    return Token(mint="http://mint", unit=unit, proofs=list(proofs))


@pytest.fixture(scope="session")
def desk() -> Iterator[ShopsDesk]:
    """The shops side."""
    server = ShopsDesk()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def street(tmp_path: Path, desk: ShopsDesk) -> Iterator[Street]:
    """A street with two empty tills, connected."""
    desk.claims.clear()
    made = Street(tmp_path, desk.url)
    yield made
    made.close()
