"""A programme whose rule uses a fact that the log defines, the type of a household's roof: for the tests of every side."""

from typing import Any

import msgspec

from amparo_common import canonical
from amparo_common.bridge import FactDefined
from amparo_rules.catalogue import FactDefinition, FactType

LABELS = {"en": "type of roof", "es": "tipo de techo", "fr": "type de toit", "ar": "نوع السقف", "pt": "tipo de telhado"}
ROOF = FactDefinition(
    name="roof_type",
    entity="household",
    type=FactType(kind="int", min=1, max=5),
    label=LABELS,
    purpose="declared need of the household",
    retention_days=365,
)
RULE = """
programme: roofs
version: "1"
language: 2
title: {en: Roofs}
purpose: {en: So that it does not rain in.}
legal_basis: None, it is a test.
unit: usd
budget: "1000.00"
notice_days: 7
inputs: {person: {}, household: {roof_type: int}}
facts: {size: count(true)}
let: {worse: "greatest(0, known(roof_type, 1) - 2)"}
require: [{id: bad, when: worse >= 1, text: {en: The roof is bad.}}]
amount: least(100.00, 10.00 * worse + 5.00 * size)
"""


def logged(definition: FactDefinition = ROOF, /, **changes: Any) -> FactDefined:
    """The definition as it stands in the log, perhaps with something else in the entry."""
    text = canonical.encode(definition).decode()
    return msgspec.structs.replace(FactDefined(definition.entity, definition.name, text, approvals=2), **changes)
