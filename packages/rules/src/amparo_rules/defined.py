"""Facts beside the catalogue of the release, as two people of the office defined them in the public log.

What stands in the log is not believed: `standing` takes every definition through the same limits that it passed when it was
proposed (`definition_fault`, `forbidden`). The first entry of a name counts for good, also when it is not allowed, so that a
name never changes its meaning. Which entries stand before a rule is said by the log (`LogView.facts_before`); a rule knows no
others. Not here: proposing and approving (`amparo_office.register.catalogue`).
"""

import enum
import functools
import re
from datetime import date
from types import MappingProxyType

from amparo_common import canonical
from amparo_common.bridge import FactDefined
from amparo_common.errors import AmparoError
from amparo_rules.catalogue import FIRST_RELEASE, Definitions, Entity, FactDefinition, FactType, days
from amparo_rules.errors import DefinitionNotAllowed
from amparo_rules.forbidden import refuse_forbidden
from amparo_rules.syntax import RESERVED

LANGUAGES = frozenset({"es", "en", "fr", "ar", "pt"})
LONGEST_RETENTION, MOST_DECIMALS, TWO_PEOPLE = 3_650, 6, 2
# Scaled. The sum over a household's members then stays far below what 64 bits hold.
LARGEST_VALUE = 10**15
FIRST_DAY, LAST_DAY = days(date(1900, 1, 1)), days(date(2100, 1, 1))
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
LONGEST_NAME = 60


class DefinitionFault(enum.Enum):
    """Why a definition is not allowed."""

    NAME = "its name is not a short one of small letters, digits and underscores, or is a word of the language"
    TAKEN = "the catalogue has had a fact of this name from the beginning"
    LABELS = "it has not one label in each of the five languages"
    PURPOSE = "it has no purpose"
    RETENTION = "it is kept for less than a day or more than ten years"
    RANGE = "its range cannot hold a value, or holds larger ones than can be computed"
    ALWAYS_KNOWN = "it may not be unknown, but whoever was enrolled before was not asked"


def definition_fault(new: FactDefinition) -> DefinitionFault | None:
    """What is wrong with a definition, None when nothing is. Raises `ForbiddenConcept` when its name, its purpose or any label
    speaks of what Amparo never records."""
    for said in (new.name, new.purpose, *new.label.values()):
        refuse_forbidden(said, place="fact")
    wrong = {
        DefinitionFault.NAME: not _is_name(new.name),
        DefinitionFault.LABELS: set(new.label) != LANGUAGES or not all(label.strip() for label in new.label.values()),
        DefinitionFault.PURPOSE: not new.purpose.strip(),
        DefinitionFault.RETENTION: not 0 < new.retention_days <= LONGEST_RETENTION,
        DefinitionFault.RANGE: not _holds_values(new.type),
        DefinitionFault.ALWAYS_KNOWN: not new.type.nullable,
        DefinitionFault.TAKEN: (new.entity, new.name) in FIRST_RELEASE,
    }
    return next((fault for fault, is_so in wrong.items() if is_so), None)


def _is_name(name: str) -> bool:
    return 1 < len(name) <= LONGEST_NAME and _NAME.fullmatch(name) is not None and name not in RESERVED


def _holds_values(kind: FactType) -> bool:
    """Whether a type has a range, within what every engine computes exactly."""
    if kind.kind == "bool":
        return (kind.min, kind.max, kind.scale) == (0, 1, 0)
    if kind.scale != 0 and kind.kind != "decimal":
        return False
    least, most = (FIRST_DAY, LAST_DAY) if kind.kind == "date" else (-LARGEST_VALUE, LARGEST_VALUE)
    return least <= kind.min <= kind.max <= most and 0 <= kind.scale <= MOST_DECIMALS


def read_definition(logged: FactDefined) -> FactDefinition:
    """The definition in an entry of the log. Raises `DefinitionNotAllowed`, `ForbiddenConcept`."""
    refuse_forbidden(logged.name, place="fact")
    try:
        found = canonical.decode(logged.definition.encode(), FactDefinition)
    except AmparoError as error:
        raise DefinitionNotAllowed(f"The definition of “{logged.name}” cannot be read.") from error
    if (found.entity, found.name) != (logged.entity, logged.name):
        raise DefinitionNotAllowed(f"The definition of “{logged.name}” is of another fact.")
    if logged.approvals < TWO_PEOPLE:
        raise DefinitionNotAllowed(f"The fact “{logged.name}” was defined by fewer than two people.")
    fault = definition_fault(found)
    if fault is not None:
        raise DefinitionNotAllowed(f"The fact “{logged.name}” is defined against the limits: {fault.value}.")
    return found


def first_of_each(logged: tuple[FactDefined, ...]) -> dict[tuple[str, str], FactDefined]:
    """Of these entries of the log, in its order, the one of each name that counts, by entity and name."""
    found: dict[tuple[str, str], FactDefined] = {}
    for entry in logged:
        found.setdefault((entry.entity, entry.name), entry)
    return found


@functools.lru_cache(maxsize=64)
def standing(logged: tuple[FactDefined, ...]) -> Definitions:
    """What these entries of the log, in its order, define. One that is not allowed defines nothing."""
    found: dict[tuple[Entity, str], FactDefinition] = {}
    for entry in first_of_each(logged).values():
        try:
            definition = read_definition(entry)
        except AmparoError:
            continue  # the audit reports it
        found[definition.entity, definition.name] = definition
    return MappingProxyType(found)
