"""Identity cards for adults: a signed code each, sealed to registered verifiers, printed 8-up and read back by machine.

The card number is random per card and never the register's own number. Nothing of a person's facts but the date of birth
goes onto a card.
"""

import secrets
from collections.abc import Callable
from datetime import date, timedelta

from amparo_common.bridge import KeyAnnounced
from amparo_common.clock import Clock
from amparo_common.secret import Secret
from amparo_common.signing import SigningKey
from amparo_credentials.card import Card, CardSigner, write_open, write_sealed
from amparo_log.follow import LogFollower
from amparo_office import people
from amparo_office.answers import CardsPrinted
from amparo_office.card_words import CARD_WORDS
from amparo_office.register.sealing import Identity
from amparo_paper.sheet import Item, Sheets, print_sheets
from amparo_service.database import Database

ADULT_YEARS = 18
VALID_DAYS = 3 * 365
_ISO_639_3 = {"es": "spa", "en": "eng", "fr": "fra", "ar": "ara", "pt": "por"}


class CardOffice:
    """Signs and prints identity cards."""

    def __init__(
        self,
        database: Database,
        *,
        signer: CardSigner,
        verifier_key: Secret,
        sealed: bool,
        contact: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._signer = signer
        self._verifier_key = verifier_key
        self._sealed = sealed
        self._contact = contact
        self._clock = clock

    def announce(self, log: LogFollower, key: SigningKey) -> None:
        """Put the key that verifies cards into the public log."""
        log.publish(KeyAnnounced(purpose="cards", ed25519=self._signer.public.hex()), key)

    def print_all(self, progress: Callable[[int, int], None]) -> tuple[CardsPrinted, Sheets]:
        """A card for every adult of the register that has a name. Raises `CodeTooLong`, `CodeNotReadable`."""
        now = self._clock.now()
        items, numbers, nameless = [], [], 0
        for person, born, identity in people.names(now):
            if not _is_adult(born, now.date()):
                continue
            if not identity.names:
                nameless += 1
                continue
            number = f"{secrets.randbelow(10**12):012d}"
            numbers.append((number, person))
            items.append(self._item(number, identity, born, now.date()))
        progress(0, len(items))
        sheets = print_sheets(
            "card",
            items,
            words={"title": "Amparo", "contact": self._contact},
            progress=lambda done: progress(done, len(items)),
        )
        with self._database.transaction() as connection:
            connection.executemany("INSERT INTO card (number, person) VALUES (?, ?)", numbers)
        return CardsPrinted(cards=len(items), read_back=sheets.read_back, without_name=nameless), sheets

    def _item(self, number: str, identity: Identity, born: int | None, today: date) -> Item:
        expires = today + timedelta(days=VALID_DAYS)
        language = identity.language if identity.language in CARD_WORDS else "es"
        other = next((name.whole() for name in identity.names[1:]), "")
        card = Card(
            number=number,
            full_name=identity.names[0].whole(),
            language=_ISO_639_3[language],
            expires=expires,
            birth_date=None if born is None else date(1970, 1, 1) + timedelta(days=born),
            other_name=other or None,
            other_language="ara" if other else None,
        )
        signed = self._signer.sign(card)
        code = write_sealed(signed, self._verifier_key) if self._sealed else write_open(signed)
        words = {
            "name": card.full_name,
            "language": language,
            "other": other,
            "other_language": "ar",
            "number": " ".join(number[at : at + 4] for at in range(0, 12, 4)),
            "until": expires.isoformat(),
        }
        return Item(code=code, words=words | CARD_WORDS[language])


def _is_adult(born: int | None, today: date) -> bool:
    """Whether somebody gets a card: adults, and people whose date of birth is not known (nobody goes without)."""
    if born is None:
        return True
    birth = date(1970, 1, 1) + timedelta(days=born)
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day)) >= ADULT_YEARS
