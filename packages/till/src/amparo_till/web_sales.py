"""Selling over the web (NUT-24): a shop's own web program answers 402 with what to pay, and gives the goods when the same request
comes again with a code in its header.

Codes are locked to the shop, and they are deposited with the day's other sales. Which order a code paid is known until then: the
same request again gets the goods again, another one does not. Not here: the shop's program, and TLS.
The program may see a request twice that was paid once, so an order's name must be good for one order.
LIMIT: a web program needs a till with a lock key of its own (which a till has, unless it is told to be another device of a shop):
another device with the same key would take a code that was paid here, and the deposit only finds it later.
LIMIT: the mint is asked about each code when it comes, and gets the same code with the deposit: a mint that kept both would know
when this shop sold for how much over the web. Of who paid it learns nothing by it.
LIMIT: WebSockets pass without a payment.
LIMIT: a code pays exactly the price. The specification would let it be more; what is too much would be the payer's loss.
A code of many coins makes a long header (half a kilobyte a coin), and some servers take no more than 8 KiB.
"""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from amparo_cashu.nut18_request import LockOption
from amparo_cashu.nut24_payment import HEADER, read_payment_header, request_header
from amparo_common.errors import AmparoError
from amparo_service.errors import RemoteError, Unreachable
from amparo_service.http import answer, aside
from amparo_till.till import SHORTEST_LOCK_SECONDS, PaymentRequest, Till

# After how many seconds to ask again while the mint gives no answer.
RETRY_SECONDS = 5


class Price(msgspec.Struct, frozen=True):
    """What a request costs, in minor units, and the shop's own name for what is bought: the same name is the same purchase."""

    amount: int
    unit: str
    order: str


class WebSales:
    """The web sales of one till."""

    def __init__(self, till: Till) -> None:
        self._till = till

    def ask(self, price: Price) -> str:
        """The header of an answer 402."""
        return request_header(self._till.shown(self._asked(price)))

    def take(self, header: str, price: Price) -> None:
        """Take the code in a request's header. Raises the errors of a code that does not pay this price (answer with status 400),
        and `Unreachable` or `RemoteError` while nothing is known (503)."""
        asked, till = self._asked(price), self._till
        known = [body.keyset for _, body in till.purse.keys.log().keysets]
        # How long the lock has to last was said when it was asked for, which is a while ago.
        lock = LockOption("P2PK", asked.lock_key)
        shown = msgspec.structs.replace(till.shown(asked), lock=lock)
        until = till.purse.now() + SHORTEST_LOCK_SECONDS
        till.accept_web(read_payment_header(header, shown, keysets=known, locked_until=until), asked, order=price.order)

    def _asked(self, price: Price) -> PaymentRequest:
        return self._till.request(price.amount, price.unit)


def paid(app: ASGIApp, sales: WebSales, price_of: Callable[[Request], Price | None]) -> ASGIApp:
    """A web program (ASGI) of which some requests cost something: `price_of` says what, or None for those that are free. The
    program sees a request only once it is paid."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        price = price_of(Request(scope)) if scope["type"] == "http" else None
        if price is None:
            await app(scope, receive, send)
            return
        header = Request(scope).headers.get(HEADER)
        if header is None:
            refusal = answer({"amount": price.amount, "unit": price.unit}, status=402)
            refusal.headers[HEADER] = await aside(sales.ask, price)
            await refusal(scope, receive, send)
            return
        try:
            await aside(sales.take, header, price)
        except (Unreachable, RemoteError) as error:
            later = {"retry-after": str(RETRY_SECONDS)}
            await answer(error.public(), status=503, headers=later)(scope, receive, send)
            return
        except AmparoError as error:
            await answer(error.public(), status=400)(scope, receive, send)
            return
        await app(scope, receive, send)

    return run
