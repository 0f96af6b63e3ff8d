"""The code that makes a phone a till: written and read alike, anything else refused in our words."""

import msgspec
import pytest

from amparo_cashu import base64url
from amparo_till.enrolment import PREFIX, EnrolmentLimits, TillEnrolment, read_enrolment, write_enrolment
from amparo_till.errors import EnrolmentCodeFalse

SHOP = TillEnrolment(
    shop="a" * 32,
    name="متجر",
    access="access",
    units=["usd"],
    mint="https://mint.example",
    shops="https://shops.example",
    log="https://log.example",
    vkey="key",
)


@pytest.mark.parametrize(
    "enrolment",
    [
        SHOP,
        msgspec.structs.replace(SHOP, limits=EnrolmentLimits(1, 2, 3)),
        msgspec.structs.replace(SHOP, lock="0a" * 32),
    ],
)
def test_an_enrolment_is_read_as_it_was_written(enrolment: TillEnrolment) -> None:
    assert read_enrolment(f"  {write_enrolment(enrolment)}\n") == enrolment


@pytest.mark.parametrize(
    "code",
    [
        "",
        "AMPARO-TILL:",
        "cashuBo2F0",
        write_enrolment(SHOP)[:-3],
        write_enrolment(SHOP)[len(PREFIX) :],
        PREFIX + base64url.encode(b'{"v":1}'),
        PREFIX + base64url.encode(b'{"v":2}'),
        PREFIX + "A" * 5_000,
        write_enrolment(msgspec.structs.replace(SHOP, units=[])),
        write_enrolment(msgspec.structs.replace(SHOP, lock="zz")),
    ],
)
def test_any_other_text_is_refused(code: str) -> None:
    with pytest.raises(EnrolmentCodeFalse):
        read_enrolment(code)
