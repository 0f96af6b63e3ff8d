"""NUT-24: paying for an HTTP resource. An answer with status 402 carries a payment request in the header `X-Cashu`; the request
is repeated with a token in the same header. Not here: HTTP itself, and whether the token is genuine and unspent.
"""

from collections.abc import Iterable

import msgspec

from amparo_cashu.errors import BadToken
from amparo_cashu.nut00_token import Token, read_token
from amparo_cashu.nut18_request import Payment, PaymentRequest, check_payment, write_request
from amparo_cashu.nut26_request import read_any_request

HEADER = "X-Cashu"


def request_header(request: PaymentRequest) -> str:
    """The value of the header of an answer 402. Raises `BadToken` unless it asks for an amount, in a unit, of named mints: the
    payment comes back in the header, so the request's transports are left out."""
    _check_complete(request)
    return write_request(msgspec.structs.replace(request, transports=[]))


def read_request_header(value: str) -> PaymentRequest:
    """What an answer 402 asks for, form A or B. Raises `BadToken`."""
    request = read_any_request(value)
    _check_complete(request)
    return request


def _check_complete(request: PaymentRequest) -> None:
    if request.amount is None or request.unit is None or not request.mints:
        raise BadToken("A payment request for a header names an amount, a unit and the mints.")


def read_payment_header(value: str, request: PaymentRequest, *, keysets: Iterable[str], locked_until: int) -> Token:
    """The token that a repeated request carries. Raises `BadToken`, and `RequestNotMet` when it is not what was asked for
    (answer with status 400); `locked_until` as for `check_payment`."""
    token = read_token(value, keysets=keysets)
    payment = Payment(mint=token.mint, unit=token.unit, proofs=token.proofs)
    check_payment(request, payment, locked_until=locked_until)
    return token
