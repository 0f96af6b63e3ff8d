"""What is compared of a person, in the shape in which it is compared. A missing value is None or an empty list: it never agrees."""

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta

import msgspec

from amparo_common.secret import Secret
from amparo_office.duplicates.spelling import sound, words
from amparo_office.register.sealing import Identity, Name

MOST_WORDS = 8
_EPOCH = date(1970, 1, 1)


class Place(msgspec.Struct, frozen=True):
    """Where a person stands in the register. `head` is the name that the household's head is called by."""

    household: int | None = None
    area: str | None = None
    district: str | None = None
    is_head: bool = False
    head: Name | None = None


class Birth(msgspec.Struct, frozen=True):
    """What is known of a birth date; `estimated` years may be off by two."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    estimated: bool = False


class Compared(msgspec.Struct, frozen=True):
    """One person as compared. `words` and `sounds` in alphabetical order, each once; `called` is the first word of each
    name; `papers` are `kind:number`, `telephone` its last nine digits."""

    number: int
    household: int | None
    area: str | None
    district: str | None
    words: list[str]
    sounds: list[str]
    called: list[str]
    birth: Birth
    head: str | None
    telephone: str | None
    papers: list[str]

    def digest(self, key: Secret) -> bytes:
        """16 bytes that change with any compared value and say nothing without the key."""
        said = msgspec.json.encode(msgspec.structs.replace(self, number=0))
        return hashlib.blake2b(said, key=key.reveal()[:32], person=b"duplicates", digest_size=16).digest()


def birth(days: int | None, precision: str) -> Birth:
    """What is known of a birth date that the register keeps as days since 1970 and how much of it is true."""
    if days is None or precision == "unknown":
        return Birth()
    day = _EPOCH + timedelta(days=days)
    match precision:
        case "day":
            return Birth(day.year, day.month, day.day)
        case "month":
            return Birth(day.year, day.month)
        case "estimated":
            return Birth(day.year, estimated=True)
    return Birth(day.year)


def compared(number: int, identity: Identity, born: Birth, place: Place) -> Compared:
    """A person made comparable."""
    all_words = _in_one_script(identity.names)
    called = {found[0] for name in identity.names if (found := words(name.given) or words(name.whole()))}
    return Compared(
        number=number,
        household=place.household,
        area=place.area,
        district=place.district,
        words=sorted(all_words),
        sounds=sorted({sound(word) for word in all_words}),
        called=sorted(called),
        birth=born,
        head=None if place.is_head or place.head is None else head_key(place.head),
        telephone=telephone(identity.telephone),
        papers=sorted({paper for each in identity.documents if (paper := _paper(each.kind, each.number))}),
    )


def head_key(name: Name) -> str | None:
    """How a head's name sounds, words in alphabetical order."""
    return " ".join(sorted({sound(word) for word in words(name.whole())})) or None


def telephone(number: str) -> str | None:
    """The last nine digits: the country's prefix is written in many ways."""
    digits = "".join(str(unicodedata.decimal(each)) for each in number if each.isdecimal())
    return digits[-9:] if len(digits) >= 6 else None


def _in_one_script(names: Iterable[Name]) -> list[str]:
    """The words of all names. Of a name that is there in two scripts, each word once, as the first name writes it."""
    kept: list[str] = []
    for name in names:
        known = {sound(word) for word in kept}
        kept += [word for word in words(name.whole()) if sound(word) not in known]
    return kept[:MOST_WORDS]


def _paper(kind: str, number: str) -> str | None:
    plain = "".join(each for each in number.upper() if each.isalnum())
    return f"{kind}:{plain}" if len(plain) >= 4 else None
