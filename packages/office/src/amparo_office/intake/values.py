"""Reading single values as people write them: yes and no, numbers, dates and parts of dates, ages, names, telephone numbers,
languages. Digits of any script count. Pure functions; each raises `ValueFault` with the reason.
"""

import re
import unicodedata
from calendar import monthrange
from datetime import date, timedelta

from amparo_office.errors import ValueFault
from amparo_office.register.models import BirthPrecision
from amparo_office.register.sealing import Name
from amparo_rules.catalogue import FactType, days
from amparo_rules.check import divide_half_away
from amparo_rules.errors import FactOutOfRange

YES = frozenset(
    ["yes", "y", "true", "1", "si", "sí", "oui", "o", "sim", "s", "نعم", "اجل", "vrai", "verdadero", "x", "✓"]
)
UNKNOWN = frozenset(
    ("unknown", "dk", "dontknow", "dont_know", "nosabe", "no_sabe", "nesaitpas", "naosabe", "لايعرف", "?")
)
NO = frozenset(["no", "n", "false", "0", "non", "nao", "não", "لا", "كلا", "faux", "falso"])
DATE_ORDERS = ("ymd", "dmy", "mdy")
NAME_ORDERS = ("one", "given-first", "family-first")
EARLIEST = date(1900, 1, 1)
MOST_AGE = 130
LONGEST_NAME = 120

_LANGUAGES = {
    "es": "spanish espanol español castellano espagnol espanhol الاسبانية الإسبانية",
    "en": "english ingles inglés anglais inglês الانجليزية الإنجليزية",
    "fr": "french frances francés francais français francês الفرنسية",
    "ar": "arabic arabe árabe العربية عربي",
    "pt": "portuguese portugues portugués portugais português البرتغالية",
}
_LANGUAGE_WORDS = {word: code for code, words in _LANGUAGES.items() for word in words.split()}
_SCRIPTS = (("ARABIC", "Arab"), ("LATIN", "Latn"), ("CYRILLIC", "Cyrl"), ("GREEK", "Grek"), ("HEBREW", "Hebr"))
_PARTS = re.compile(r"[\s/.,\-–]+")


def plain_digits(text: str) -> str:
    """Digits of any script as 0–9; the Arabic decimal sign as a point."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else "." if sign == "\u066b" else sign for sign in text
    )


def yes_no(text: str) -> int | None:
    """1 or 0; None for an empty cell."""
    word = plain_digits(text).strip().casefold()
    if word == "" or word in UNKNOWN:
        return None
    if word in YES:
        return 1
    if word in NO:
        return 0
    raise ValueFault("yes-no")


def fact_value(text: str, kind: FactType, *, order: str = "ymd", per: int = 1) -> int | None:
    """A fact's value as a scaled integer. `per` divides a decimal, half away from zero."""
    if text == "":
        if not kind.nullable:
            raise ValueFault("empty")
        return None
    match kind.kind:
        case "bool":
            value = yes_no(text)
        case "date":
            found, _ = birth_date(text, order)
            value = days(found)
        case _:
            value = _number(plain_digits(text), kind, per)
    return _checked(value, kind)


def _number(text: str, kind: FactType, per: int) -> int:
    clean = text.replace("\u00a0", "").replace(" ", "")
    if clean.count(",") == 1 and "." not in clean:
        clean = clean.replace(",", ".")
    whole, _, part = clean.removeprefix("-").partition(".")
    if not (whole.isascii() and whole.isdigit() and (part == "" or (part.isascii() and part.isdigit()))):
        raise ValueFault("number")
    part = part.rstrip("0")
    if len(part) > kind.scale and per == 1:
        raise ValueFault("whole") if kind.scale == 0 else ValueFault("decimals", most=kind.scale)
    if len(whole) > 15:
        raise ValueFault("range", least=kind.show(kind.min), most=kind.show(kind.max))
    value = int(whole + part[: kind.scale].ljust(kind.scale, "0"))
    value = -value if clean.startswith("-") else value
    return value if per == 1 else divide_half_away(value, per)


def _checked(value: int | None, kind: FactType) -> int | None:
    try:
        return kind.check(value)
    except FactOutOfRange as error:
        raise ValueFault("range", least=kind.show(kind.min), most=kind.show(kind.max)) from error


def birth_date(text: str, order: str) -> tuple[date, BirthPrecision]:
    """A date, or a part of one: a year, or a year and a month. What is not known is filled with the middle of what is possible.
    A year of four digits at the front is always read as year-month-day."""
    clean = plain_digits(text).strip()
    head = re.match(r"(\d{4}-\d{1,2}-\d{1,2})[T ]", clean)
    parts = [part for part in _PARTS.split(head[1] if head else clean) if part]
    if not all(part.isdigit() for part in parts) or not 1 <= len(parts) <= 3:
        raise ValueFault("date")
    if len(parts) == 1 and len(parts[0]) == 8:
        parts = [parts[0][:4], parts[0][4:6], parts[0][6:]]
    if len(parts[0]) == 4:
        year, rest = parts[0], parts[1:]
    elif len(parts[-1]) == 4:
        year, rest = parts[-1], parts[-2::-1]
        if len(rest) == 2 and order == "mdy":
            rest = rest[::-1]
    else:
        raise ValueFault("two-digit-year" if len(parts) == 3 else "date")
    return part_date(int(year), int(rest[0]) if rest else 0, int(rest[1]) if len(rest) == 2 else 0)


def part_date(year: int, month: int, day: int) -> tuple[date, BirthPrecision]:
    """A date of its parts; 0 is unknown."""
    try:
        if not month:
            return date(year, 7, 1), BirthPrecision.YEAR
        if not day:
            return date(year, month, min(15, monthrange(year, month)[1])), BirthPrecision.MONTH
        return date(year, month, day), BirthPrecision.DAY
    except ValueError as error:
        raise ValueFault("date") from error


def born(text: str, on: date) -> date:
    """The middle of the days on which somebody of this age on the day `on` may have been born."""
    clean = plain_digits(text)
    if not (clean.isascii() and clean.isdigit() and int(clean) <= MOST_AGE):
        raise ValueFault("age")
    year = on.year - int(clean)
    if year <= EARLIEST.year:
        raise ValueFault("age")
    last = min(on.day, monthrange(year, on.month)[1])
    return date(year, on.month, last) - timedelta(days=182)


def telephone(text: str, calling: str) -> str:
    """A number in E.164. `calling` is the calling code of the programme's country; "" asks for a code in each number.
    LIMIT: a leading 0 is taken as the sign of a call inside the country, which is wrong for Italy's fixed lines."""
    if text == "":
        return ""
    clean = re.sub(
        r"[\s().\-/]", "", plain_digits(text).replace("\u200e", "").replace("\u202a", "").replace("\u202c", "")
    )
    whole, digits = clean.startswith(("+", "00")), clean.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueFault("telephone")
    if whole:
        number = digits.removeprefix("00") if not clean.startswith("+") else digits
    elif not calling:
        raise ValueFault("telephone")
    elif digits.startswith(calling) and len(digits) - len(calling) >= 8:
        number = digits
    else:
        number = calling + digits.lstrip("0")
    if not 8 <= len(number) <= 15 or number.startswith("0"):
        raise ValueFault("telephone")
    return f"+{number}"


def language(text: str) -> str:
    """A language as ISO 639-1; "" for an empty cell."""
    word = text.strip().casefold()
    if word == "":
        return ""
    code = _LANGUAGE_WORDS.get(word, word)
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise ValueFault("language")
    return code


def whole_name(text: str, order: str) -> Name:
    """A name that stands in one cell. “Family, given” is always understood; otherwise by `order`: all of it as one name, the first
    word as given name, or the first word as family name."""
    clean = " ".join(text.split())
    family, comma, given = clean.partition(",")
    if comma:
        return named(given.strip(), "", family.strip())
    first, _, rest = clean.partition(" ")
    match order:
        case "given-first":
            return named(first, "", rest)
        case "family-first":
            return named(rest, "", first) if rest else named(first, "", "")
    return named(clean, "", "")


def named(given: str, middle: str, family: str) -> Name:
    """A name of its parts, with its script. Somebody with one name has it as given name."""
    parts = [" ".join(part.split()) for part in (given, middle, family)]
    if any(len(part) > LONGEST_NAME for part in parts):
        raise ValueFault("too-long", most=LONGEST_NAME)
    if not parts[0]:
        parts = [parts[2], parts[1], ""]
    return Name(given=parts[0], middle=parts[1], family=parts[2], script=script("".join(parts)))


def script(text: str) -> str:
    """The script of the first letter (ISO 15924), "" when it is another or there is none."""
    for sign in text:
        if sign.isalpha():
            if sign.isascii():
                return "Latn"
            name = unicodedata.name(sign, "")
            return next((code for start, code in _SCRIPTS if name.startswith(start)), "")
    return ""
