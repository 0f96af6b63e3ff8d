"""What a template or a form asks for a programme: the columns of a household and of a person, with labels in five languages,
ranges and choices. Only what is needed: what finds people again, and the facts of the catalogue that published programmes test.
"""

from collections.abc import Callable
from functools import lru_cache

import msgspec
from django.utils.translation import gettext, override

from amparo_office.intake.meanings import relation_words
from amparo_office.intake.targets import HOUSEHOLD_WORDS, PERSON_WORDS, Definitions, Needed, own_name
from amparo_office.register.models import Relationship
from amparo_rules.catalogue import Entity, FactDefinition
from amparo_staff.layout.words import LANGUAGES

Labels = dict[str, str]

# In the order in which they are asked.
_HOME = ("ref", "area", "language", "by-phone", "address")
_PERSON = (
    "household",
    "given",
    "middle",
    "family",
    "whole-2",
    "relationship",
    "birth",
    "age",
    "telephone",
    "document:national-id",
    "document:other",
)
_YES_NO = ("by-phone",)


class Question(msgspec.Struct, frozen=True):
    """One column or question. `kind`: text, yes-no, choice, number, decimal, date. `least` and `most` as they are written;
    `choices`: code -> labels. `purpose` says why it may be asked."""

    name: str
    target: str
    kind: str
    labels: Labels
    purpose: str
    needed: bool = False
    least: str = ""
    most: str = ""
    choices: dict[str, Labels] = {}


def questions(entity: Entity, needed: Needed, definitions: Definitions) -> list[Question]:
    """What is asked of a household, or of each person."""
    codes = _HOME if entity == "household" else _PERSON
    found = [_own(code) for code in codes]
    for (kind, name), definition in definitions.items():
        # Who the head is, is said by the relation; the date of birth has a column of its own.
        if kind == entity and (kind, name) in needed and name not in ("is_head", "birth_date"):
            found.append(_fact(definition))
    return found


@lru_cache(maxsize=1)
def language_labels() -> dict[str, Labels]:
    """The five languages, each by its own name."""
    return {code: dict.fromkeys(LANGUAGES, name) for code, name in LANGUAGES.items()}


def in_all(words: Callable[[], str]) -> Labels:
    """A text in each of the five languages."""
    found = {}
    for code in LANGUAGES:
        with override(code):
            found[code] = words()
    return found


@lru_cache(maxsize=1)
def relation_labels() -> dict[str, Labels]:
    """The relations to the head, by code."""
    found: dict[str, Labels] = {each.value: {} for each in Relationship}
    for code in LANGUAGES:
        with override(code):
            for each, words in relation_words().items():
                found[each.value][code] = words
    return found


def yes_no_labels() -> dict[str, Labels]:
    """Yes, no, and not known."""
    return {
        "yes": in_all(lambda: gettext("yes")),
        "no": in_all(lambda: gettext("no")),
        "unknown": in_all(lambda: gettext("does not know")),
    }


def _own(code: str) -> Question:
    words = HOUSEHOLD_WORDS.get(code) or PERSON_WORDS[code]
    # “Household: address” is “address” where it is said of a household anyway.
    labels = {lang: _short(text) for lang, text in in_all(lambda: str(words)).items()}
    purpose = gettext("To find the household again and to hand out the aid.")
    kind, choices = "text", dict[str, Labels]()
    if code == "relationship":
        kind, choices = "choice", relation_labels()
    elif code == "language":
        kind, choices = "choice", language_labels()
    elif code in _YES_NO:
        kind = "yes-no"
    elif code == "birth":
        kind = "date"
    elif code == "age":
        return Question(own_name(code), code, "number", labels, purpose, least="0", most="130")
    needed = code in ("ref", "household", "relationship")
    return Question(own_name(code), code, kind, labels, purpose, needed=needed, choices=choices)


def _short(text: str) -> str:
    rest = text.partition(":")[2].strip() or text
    return rest[:1].upper() + rest[1:]


def _fact(definition: FactDefinition) -> Question:
    kind = definition.type
    labels = {code: definition.label.get(code, definition.label["en"]) for code in LANGUAGES}
    kinds = {"bool": "yes-no", "int": "number", "decimal": "decimal", "date": "date"}
    return Question(
        name=own_name(f"fact:{definition.entity}:{definition.name}"),
        target=f"fact:{definition.entity}:{definition.name}",
        kind=kinds[kind.kind],
        labels={code: text[:1].upper() + text[1:] for code, text in labels.items()},
        purpose=definition.purpose,
        least="" if kind.kind == "bool" else str(kind.show(kind.min)),
        most="" if kind.kind == "bool" else str(kind.show(kind.max)),
    )
