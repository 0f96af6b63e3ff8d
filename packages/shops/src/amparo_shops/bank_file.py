"""pain.001.001.09 (ISO 20022 customer credit transfer): the file that tells the bank to pay the shops.

Checked against the published schema before it is handed out; the schema file rides in the package `sepaxml`.
Takes IBANs and other account numbers. Amounts in units of the currency with two decimals. References keep to the signs
that every bank takes, without "/", which the rules for references restrict.
"""

import functools
import re
import unicodedata
from collections.abc import Sequence
from importlib import resources
from typing import Any
from xml.etree import ElementTree

import msgspec

from amparo_common.money import format_minor
from amparo_shops.errors import BadAccount, BadName, BadRunName, BankFileInvalid

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_OTHER = re.compile(r"[A-Za-z0-9-]{1,34}")
# A payment's reference, at most 35 signs, is the run's name, a hyphen and a number of up to 8 digits.
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ?:().,'+-]{0,25}(?<! )")
LONGEST_NAME = 140


class Party(msgspec.Struct, frozen=True):
    """Who pays or is paid: a name and an account (an IBAN or another number)."""

    name: str
    account: str


class Payment(msgspec.Struct, frozen=True):
    """One payment: `reference` has at most 35 characters."""

    reference: str
    creditor: Party
    amount: int


def check_name(name: str) -> str:
    """The name without spaces around it. Raises `BadName`."""
    clean = name.strip()
    # Cc control, Cs half a character, Cn no character: what XML or a bank's screen cannot hold.
    if not 0 < len(clean) <= LONGEST_NAME or any(unicodedata.category(sign) in {"Cc", "Cs", "Cn"} for sign in clean):
        raise BadName("A name is empty, too long or holds a control character.")
    return clean


def check_run_name(run: str) -> None:
    """Raises `BadRunName` unless a settlement run may have this name."""
    if not _RUN.fullmatch(run):
        raise BadRunName("A settlement run cannot have this name.")


def check_account(account: str) -> str:
    """The account without spaces; an IBAN in capitals. Raises `BadAccount`."""
    clean = account.replace(" ", "")
    if not clean.isascii() or not _OTHER.fullmatch(clean):
        raise BadAccount("An account number is malformed.")
    iban = clean.upper()
    if not _IBAN.fullmatch(iban):
        return clean
    turned = iban[4:] + iban[:4]
    if int("".join(str(int(sign, 36)) for sign in turned)) % 97 != 1:
        raise BadAccount("The check digits of an IBAN are wrong.")
    return iban


def write_bank_file(
    *, message: str, created: str, day: str, debtor: Party, currency: str, payments: Sequence[Payment]
) -> bytes:
    """The file for one settlement run. Raises `BankFileInvalid`."""
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(f"{{{NAMESPACE}}}Document")
    initiation = _add(root, "CstmrCdtTrfInitn")
    total = format_minor(sum(payment.amount for payment in payments)).replace(",", "")
    header = _add(initiation, "GrpHdr")
    _add(header, "MsgId", message)
    _add(header, "CreDtTm", created)
    _add(header, "NbOfTxs", str(len(payments)))
    _add(header, "CtrlSum", total)
    _add(_add(header, "InitgPty"), "Nm", debtor.name)
    block = _add(initiation, "PmtInf")
    _add(block, "PmtInfId", message)
    _add(block, "PmtMtd", "TRF")
    _add(block, "NbOfTxs", str(len(payments)))
    _add(block, "CtrlSum", total)
    _add(_add(block, "ReqdExctnDt"), "Dt", day)
    _add(_add(block, "Dbtr"), "Nm", debtor.name)
    _add_account(block, "DbtrAcct", debtor.account)
    _add(_add(_add(_add(block, "DbtrAgt"), "FinInstnId"), "Othr"), "Id", "NOTPROVIDED")
    for payment in payments:
        transfer = _add(block, "CdtTrfTxInf")
        _add(_add(transfer, "PmtId"), "EndToEndId", payment.reference)
        amount = _add(_add(transfer, "Amt"), "InstdAmt", format_minor(payment.amount).replace(",", ""))
        amount.set("Ccy", currency)
        _add(_add(transfer, "Cdtr"), "Nm", payment.creditor.name)
        _add_account(transfer, "CdtrAcct", payment.creditor.account)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    check_bank_file(data)
    return data


def _add(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    element.text = text
    return element


def _add_account(parent: ElementTree.Element, name: str, account: str) -> None:
    identification = _add(_add(parent, name), "Id")
    if _IBAN.fullmatch(account):
        _add(identification, "IBAN", account)
    else:
        _add(_add(identification, "Othr"), "Id", account)


def check_bank_file(data: bytes) -> None:
    """Raises `BankFileInvalid` unless the file fits the schema."""
    try:
        # Parsed here, from bytes: `xmlschema` would take a text that is no XML for the address of a file.
        root = ElementTree.fromstring(data)  # noqa: S314 - a file that this module wrote
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BankFileInvalid("The bank file is no XML.") from error
    fault = next(_schema().iter_errors(root), None)
    if fault is not None:
        raise BankFileInvalid(f"The bank file does not fit its schema at {fault.path}.")


@functools.cache
def _schema() -> Any:
    import xmlschema

    path = resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"
    return xmlschema.XMLSchema(path.read_text(encoding="utf-8"))
