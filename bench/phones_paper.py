"""Identity cards in thousands, for `bench.phones`: signed, sealed, printed eight to a page, and the code of each read
back from the page as a printer would make it. The office's own words, signer and sheets; the people are invented.
"""

import secrets
import time
from datetime import date, timedelta

import msgspec

from amparo_common.secret import Secret
from amparo_credentials.card import Card, CardSigner, write_sealed
from amparo_office.card_words import CARD_WORDS
from amparo_paper.sheet import Item, print_sheets
from bench.made_people import Person, registrations

SEED = 2026
TODAY = date(2026, 11, 1)
THREE_YEARS = timedelta(days=3 * 365)


class Printed(msgspec.Struct, frozen=True):
    """What it cost: cards, codes read back, seconds, and bytes of the PDF."""

    cards: int
    read_back: int
    seconds: float
    size: int


def print_cards(count: int) -> Printed:
    """Print so many cards and read each code back. Raises `CodeTooLong`, `CodeNotReadable`."""
    people = registrations(count, seed=SEED, share=0)
    began = time.perf_counter()
    signer, verifier = (
        CardSigner("https://amparo.example", Secret(secrets.token_bytes(32))),
        Secret(secrets.token_bytes(32)),
    )
    items = [_item(signer, verifier, each) for each in people]
    sheets = print_sheets("card", items, words={"title": "Amparo", "contact": "Amparo, plaza mayor 1"})
    return Printed(sheets.items, sheets.read_back, time.perf_counter() - began, len(sheets.pdf))


def _item(signer: CardSigner, verifier: Secret, person: Person) -> Item:
    """As the office makes a card (`amparo_office.cards`)."""
    name, *others = [each.whole() for each in person.identity.names]
    number, expires = f"{secrets.randbelow(10**12):012d}", TODAY + THREE_YEARS
    born = person.birth
    card = Card(
        number=number,
        full_name=name,
        language="spa",
        expires=expires,
        birth_date=date(born.year, born.month or 7, born.day or 1) if born.year else None,
        other_name=others[0] if others else None,
        other_language="ara" if others else None,
    )
    words = {
        "name": name,
        "language": "es",
        "other": others[0] if others else "",
        "other_language": "ar",
        "number": " ".join(number[at : at + 4] for at in range(0, 12, 4)),
        "until": expires.isoformat(),
    }
    return Item(code=write_sealed(signer.sign(card), verifier), words=words | CARD_WORDS["es"])
