"""The fact catalogue: every attribute of a person or household that may be recorded, with type, purpose and retention.

A value is kept as a scaled integer (`parse`) and shown as JSON (`show`): bool as true/false, whole numbers as numbers,
decimals as text with all their digits, dates as YYYY-MM-DD. The catalogue of this release is `CATALOGUE`; it is part of
the documentation (`docs/formats/fact-catalogue.md`) and every name passes `forbidden.refuse_forbidden` at start. Facts that
an office defined in the public log stand beside it (`defined.py`).
"""

import functools
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Literal

import msgspec

from amparo_rules.errors import FactOutOfRange, UnknownFact
from amparo_rules.forbidden import refuse_forbidden

Entity = Literal["person", "household"]
Kind = Literal["bool", "int", "decimal", "date"]
Shown = bool | int | str | None

_EPOCH = date(1970, 1, 1).toordinal()


class FactType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Type and range of a fact. `min` and `max` are scaled integers (days since 1970 for dates), both included."""

    kind: Kind
    min: int
    max: int
    scale: int = 0
    nullable: bool = True

    def parse(self, text: str) -> int | None:
        """What a file says, as a scaled integer; empty is None. Raises `FactOutOfRange`."""
        clean = text.strip()
        if clean == "":
            return self.check(None)
        return self.check(_READERS[self.kind](clean, self.scale))

    def check(self, value: int | None) -> int | None:
        """`value` itself when it is allowed. Raises `FactOutOfRange`."""
        if value is None:
            if not self.nullable:
                raise FactOutOfRange("A value is missing.", todo="This one cannot be left empty.")
            return None
        if not self.min <= value <= self.max:
            raise FactOutOfRange(
                "A value is out of range.", why=f"Allowed is {self.show(self.min)} to {self.show(self.max)}."
            )
        return value

    def show(self, value: int | None) -> Shown:
        """The JSON form of a scaled integer."""
        if value is None:
            return None
        match self.kind:
            case "bool":
                return bool(value)
            case "int":
                return value
            case "decimal":
                return show_decimal(value, self.scale)
            case "date":
                return _show_date(value)

    def read(self, shown: Shown) -> int | None:
        """The reverse of `show`. Raises `FactOutOfRange` for another form."""
        if shown is None:
            return self.check(None)
        if self.kind == "bool" and isinstance(shown, bool):
            return self.check(int(shown))
        if self.kind == "int" and isinstance(shown, int) and not isinstance(shown, bool):
            return self.check(shown)
        if self.kind in ("decimal", "date") and isinstance(shown, str):
            value = self.parse(shown)
            if self.show(value) == shown:
                return value
        raise FactOutOfRange("A value is not written in its one form.")


@functools.lru_cache(maxsize=65_536)
def _show_date(value: int) -> str:
    return date.fromordinal(value + _EPOCH).isoformat()


def days(moment: date) -> int:
    """A date as days since 1970-01-01."""
    return moment.toordinal() - _EPOCH


def show_decimal(value: int, scale: int) -> str:
    """A scaled integer as text: 1250, 2 -> "12.50"."""
    if scale == 0:
        return str(value)
    sign = "-" if value < 0 else ""
    whole, part = divmod(abs(value), 10**scale)
    return f"{sign}{whole}.{part:0{scale}d}"


_YES = frozenset({"true", "yes", "y", "1", "si", "sí", "oui", "sim", "نعم"})
_NO = frozenset({"false", "no", "n", "0", "non", "não", "nao", "لا"})


def _read_bool(text: str, _scale: int) -> int:
    word = text.casefold()
    if word in _YES:
        return 1
    if word in _NO:
        return 0
    raise FactOutOfRange("A yes-or-no value is neither.", todo="Write yes or no, or leave it empty.")


def _read_decimal(text: str, scale: int) -> int:
    sign = -1 if text.startswith("-") else 1
    whole, _, part = text.removeprefix("-").partition(".")
    if not (whole.isascii() and whole.isdigit() and (part == "" or (part.isascii() and part.isdigit()))):
        raise FactOutOfRange("A number cannot be read.", todo="Write digits and at most one point, like 125.50.")
    if len(part.rstrip("0")) > scale or len(whole) > 16:
        raise FactOutOfRange(f"A number has more than {scale} decimals or too many digits.")
    return sign * int(whole + part[:scale].ljust(scale, "0"))


def _read_date(text: str, _scale: int) -> int:
    try:
        return days(date.fromisoformat(text))
    except ValueError as error:
        raise FactOutOfRange("A date cannot be read.", todo="Write it as YYYY-MM-DD.") from error


_READERS = {"bool": _read_bool, "int": _read_decimal, "decimal": _read_decimal, "date": _read_date}


class FactDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One catalogued fact: what it is, why it may be asked, how long it is kept after its household leaves."""

    name: str
    entity: Entity
    type: FactType
    label: dict[str, str]
    purpose: str
    retention_days: int


def _fact(name: str, entity: Entity, kind: FactType, purpose: str, **label: str) -> FactDefinition:
    refuse_forbidden(name, place="fact")
    return FactDefinition(name=name, entity=entity, type=kind, label=label, purpose=purpose, retention_days=365)


_YES_NO = FactType(kind="bool", min=0, max=1)
_SIZE = "size and composition of the household"
_NEED = "declared need of the household"

CATALOGUE: dict[tuple[Entity, str], FactDefinition] = {
    (fact.entity, fact.name): fact
    for fact in (
        _fact(
            "birth_date",
            "person",
            FactType(kind="date", min=days(date(1900, 1, 1)), max=days(date(2100, 1, 1))),
            _SIZE,
            en="date of birth",
            es="fecha de nacimiento",
            fr="date de naissance",
            ar="تاريخ الميلاد",
            pt="data de nascimento",
        ),
        _fact(
            "is_head",
            "person",
            FactType(kind="bool", min=0, max=1, nullable=False),
            _SIZE,
            en="is the head of the household",
            es="es jefa o jefe de hogar",
            fr="est chef de ménage",
            ar="رب الأسرة",
            pt="é chefe da família",
        ),
        _fact(
            "disability",
            "person",
            _YES_NO,
            _NEED,
            en="has a disability (declared)",
            es="tiene una discapacidad (declarada)",
            fr="a un handicap (déclaré)",
            ar="لديه إعاقة (مصرح بها)",
            pt="tem uma deficiência (declarada)",
        ),
        _fact(
            "monthly_income",
            "household",
            FactType(kind="decimal", scale=2, min=0, max=100_000_000),
            _NEED,
            en="income or consumption of the household in a month",
            es="ingreso o consumo del hogar en un mes",
            fr="revenu ou consommation du ménage par mois",
            ar="دخل الأسرة أو استهلاكها في الشهر",
            pt="renda ou consumo da família por mês",
        ),
        _fact(
            "rooms",
            "household",
            FactType(kind="int", min=0, max=50),
            _NEED,
            en="rooms of the dwelling",
            es="cuartos de la vivienda",
            fr="pièces du logement",
            ar="غرف المسكن",
            pt="cômodos da moradia",
        ),
        _fact(
            "floor_type",
            "household",
            FactType(kind="int", min=1, max=6),
            _NEED,
            en="main material of the floor (1 earth … 6 other)",
            es="material principal del piso (1 tierra … 6 otro)",
            fr="matériau principal du sol (1 terre … 6 autre)",
            ar="مادة الأرضية الرئيسية",
            pt="material principal do piso (1 terra … 6 outro)",
        ),
    )
}


# No log may define these names. One that a later release adds may stand in some log already: there the log's meaning stays, because
# rules are computed by it.
FIRST_RELEASE: frozenset[tuple[Entity, str]] = frozenset(
    {
        ("person", "birth_date"),
        ("person", "is_head"),
        ("person", "disability"),
        ("household", "monthly_income"),
        ("household", "rooms"),
        ("household", "floor_type"),
    }
)
Definitions = Mapping[tuple[Entity, str], FactDefinition]
_NONE: Definitions = MappingProxyType({})


def fact(entity: Entity, name: str, defined: Definitions = _NONE) -> FactDefinition:
    """The entry of `defined` (what stands in the log), or of the catalogue. Raises `ForbiddenConcept` for a name that must never
    be recorded, else `UnknownFact`."""
    found = defined.get((entity, name)) or CATALOGUE.get((entity, name))
    if found is None:
        refuse_forbidden(name, place=f"{entity} fact")
        raise UnknownFact(f"The {entity} fact “{name}” is not in the catalogue and not defined in the log.")
    return found
