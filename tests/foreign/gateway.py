"""In front of our mint, for tests only: a bolt11-shaped method, so that unchanged foreign wallets can be tried.

The mint itself knows `benefit` and `settle` alone. Here a quote for bolt11 becomes one for aid that the practice office pays
at once, and a payment becomes a deposit of a practice shop: paid to nobody. Every other request, WebSockets
included, passes through byte by byte, so what a wallet meets is the mint. The bodies of claims and payments pass
unchanged too, with the wallet's own signature; only for a quote without a key is one made here, as the mint signs
nothing without.

Also the neighbours of the mint: the office (`/pay`, as tests ask it) and the shops side (`/bridge/...`, as the mint asks it).
"""

import asyncio
import secrets
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from tests.foreign.invoice import amount_of, write_invoice

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.nut20_quote import sign_claim
from amparo_cashu.wire import BlindedMessage

PRACTICE_SHOP = "5" * 32
Json = dict[str, Any]


class Refused(Exception):
    """An answer that is not a success, to be passed on."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status} {body[:300]!r}")
        self.status, self.body = status, body


class Gateway:
    """Listens on a free port while it runs (a context manager, in a thread of its own). `pay` has the office pay a quote
    of the mint at an address; `mint_url` is set once the mint runs, which needs to know this address first."""

    mint_url = ""

    def __init__(self, pay: Callable[[str, str, int, str], None]) -> None:
        self._pay = pay
        # Only this gateway's event loop touches these.
        self._keys: dict[str, bytes] = {}
        self._invoices: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)

    def __enter__(self) -> "Gateway":
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.url = "http://{}:{}".format(*self._server.sockets[0].getsockname()[:2])
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _stop(self) -> None:
        self._server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    # --- one connection, one request ------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
            method, path, _ = line.split(" ", 2)
            headers = dict(each.lower().split(": ", 1) for each in fields if ": " in each)
            if "upgrade" in headers:
                await self._tunnel(head, reader, writer)
                return
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            writer.write(await self._answer(method, urlsplit(path).path, head, body))
            await writer.drain()
        except (OSError, EOFError):
            pass  # whoever asked went away
        finally:
            writer.close()

    async def _tunnel(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mint_reader, mint_writer = await self._mint()
        mint_writer.write(head)
        await asyncio.gather(_pour(reader, mint_writer), _pour(mint_reader, writer))

    async def _answer(self, method: str, path: str, head: bytes, body: bytes) -> bytes:
        handler = self._handler(method, path)
        if handler is None:
            return await self._pass_on(head, body)
        try:
            return _response(200, msgspec.json.encode(await handler(_read(body), body)))
        except Refused as error:
            return _response(error.status, error.body)

    async def _pass_on(self, head: bytes, body: bytes) -> bytes:
        lines = [
            line
            for line in head.rstrip(b"\r\n").split(b"\r\n")
            if not line.lower().startswith((b"connection:", b"keep-alive:"))
        ]
        reader, writer = await self._mint()
        writer.write(b"\r\n".join([*lines, b"connection: close", b"", b""]) + body)
        answer = await reader.read()
        writer.close()
        return answer

    async def _mint(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = urlsplit(self.mint_url)
        return await asyncio.open_connection(address.hostname, address.port)

    async def _ask(self, method: str, path: str, body: bytes = b"") -> Json:
        head = f"{method} {path} HTTP/1.1\r\nhost: mint\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        answer = await self._pass_on(head.encode(), body)
        head_back, _, body_back = answer.partition(b"\r\n\r\n")
        status = int(head_back[9:12])
        if status != 200:
            raise Refused(status, body_back)
        found: Json = msgspec.json.decode(body_back)
        return found

    # --- the practice method ----------------------------------------------------------------------------------------------

    def _handler(self, method: str, path: str) -> Any:
        match method, path.strip("/").split("/"):
            case "GET", ["v1", "info"]:
                return self._info
            case "POST", ["v1", "mint", "quote", "bolt11"]:
                return self._quote_mint
            case "POST", ["v1", "mint", "quote", "bolt11", "check"]:
                return self._check_quotes
            case "GET", ["v1", "mint", "quote", "bolt11", quote]:
                return lambda _body, _raw: self._find_mint(quote)
            case "POST", ["v1", "mint", "bolt11"]:
                return self._claim
            case "POST", ["v1", "mint", "bolt11", "batch"]:
                return lambda _body, raw: self._ask("POST", "/v1/mint/benefit/batch", raw)
            case "POST", ["v1", "melt", "quote", "bolt11"]:
                return self._quote_melt
            case "GET", ["v1", "melt", "quote", "bolt11", quote]:
                return lambda _body, _raw: self._find_melt(quote)
            case "POST", ["v1", "melt", "bolt11"]:
                return self._melt
            case "POST", ["pay"]:
                return self._pay_quote
            case "POST", ["bridge", "accreditation"]:
                return self._accredit
            case "POST", ["bridge", "deposited"]:
                return self._book
            case _:
                return None

    async def _info(self, _body: Json, _raw: bytes) -> Json:
        info = await self._ask("GET", "/v1/info")
        for nut in ("4", "5"):
            methods = info["nuts"][nut]["methods"]
            methods += [{"method": "bolt11", "unit": unit} for unit in sorted({each["unit"] for each in methods})]
        return info

    async def _quote_mint(self, body: Json, _raw: bytes) -> Json:
        asked = {"unit": body["unit"], "amount": body["amount"], "pubkey": body.get("pubkey")}
        key = None if asked["pubkey"] else secrets.token_bytes(32)
        if key is not None:
            asked["pubkey"] = show_point(generator_times(key))
        found = await self._ask("POST", "/v1/mint/quote/benefit", msgspec.json.encode(asked))
        if key is not None:
            self._keys[found["quote"]] = key
        self._invoices[found["quote"]] = write_invoice(body["amount"])
        await asyncio.to_thread(self._pay, self.mint_url, found["quote"], found["amount"], found["unit"])
        return await self._find_mint(found["quote"])

    async def _find_mint(self, quote: str) -> Json:
        return self._as_bolt11(await self._ask("GET", f"/v1/mint/quote/benefit/{quote}"))

    async def _check_quotes(self, _body: Json, raw: bytes) -> Any:
        found: Any = await self._ask("POST", "/v1/mint/quote/benefit/check", raw)
        return [self._as_bolt11(each) for each in found]

    def _as_bolt11(self, found: Json) -> Json:
        state = "ISSUED" if found["amount_issued"] else "PAID" if found["amount_paid"] else "UNPAID"
        shown = found | {"request": self._invoices.get(found["quote"], ""), "method": "bolt11", "state": state}
        if found["quote"] in self._keys:  # the wallet asked for a quote without a key
            del shown["pubkey"]
        return shown

    async def _claim(self, body: Json, raw: bytes) -> Json:
        key = self._keys.get(body["quote"])
        if key is not None:
            outputs = msgspec.convert(body["outputs"], list[BlindedMessage])
            raw = msgspec.json.encode(body | {"signature": sign_claim(body["quote"], outputs, key)})
        return await self._ask("POST", "/v1/mint/benefit", raw)

    async def _quote_melt(self, body: Json, _raw: bytes) -> Json:
        asked = {"unit": body["unit"], "request": PRACTICE_SHOP, "amount": amount_of(body["request"])}
        found = await self._ask("POST", "/v1/melt/quote/settle", msgspec.json.encode(asked))
        self._invoices[found["quote"]] = body["request"]
        return self._as_payment(found)

    async def _find_melt(self, quote: str) -> Json:
        return self._as_payment(await self._ask("GET", f"/v1/melt/quote/settle/{quote}"))

    async def _melt(self, _body: Json, raw: bytes) -> Json:
        return self._as_payment(await self._ask("POST", "/v1/melt/settle", raw))

    def _as_payment(self, found: Json) -> Json:
        preimage = "00" * 32 if found["state"] == "PAID" else None
        own = {"request": self._invoices[found["quote"]], "method": "bolt11", "fee_reserve": 0}
        return found | own | {"payment_preimage": preimage}

    # --- the neighbours ---------------------------------------------------------------------------------------------------

    async def _pay_quote(self, body: Json, _raw: bytes) -> Json:
        await asyncio.to_thread(self._pay, self.mint_url, body["quote"], body["amount"], body["unit"])
        return {"paid": True}

    async def _accredit(self, body: Json, _raw: bytes) -> Json:
        return {"kind": "accreditation"} | {key: body[key] for key in ("shop", "unit")} | {"accredited": True}

    async def _book(self, _body: Json, _raw: bytes) -> Json:
        return {"booked": True}


def _read(body: bytes) -> Json:
    """A JSON body; what the mint sends the shops side is none, and nobody here reads it."""
    try:
        found: Json = msgspec.json.decode(body, type=dict)
    except msgspec.DecodeError:
        return {}
    return found


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


def _response(status: int, body: bytes) -> bytes:
    fields = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
    return f"HTTP/1.1 {status} Practice\r\n{fields}\r\n\r\n".encode() + body
