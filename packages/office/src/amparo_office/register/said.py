"""What stood in a record before a change and after it, and why it was changed, as people read it, in the language of the moment."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from amparo_office.register import catalogue
from amparo_office.register.forms import LANGUAGES, document_words, relationship_words
from amparo_office.register.models import Area, Household, Individual
from amparo_office.register.sealing import Identity
from amparo_office.register.views import area_name, birth_words, shown_fact, state_words
from amparo_rules.catalogue import Entity

Values = Mapping[str, Any]

_reasons: dict[str, str | Promise] = {}


def add_reasons(words: Mapping[str, str | Promise]) -> None:
    """Reasons that another part keeps as codes, with their words. Called once, when the desk starts."""
    _reasons.update(words)


def reason_words(reason: str) -> str:
    """Why a record was changed: what somebody wrote, or the words of a code."""
    return str(_reasons.get(reason, reason))


def both_sides(name: str, before: Values, after: Values, *, entity: Entity, precision: str = "day") -> tuple[str, str]:
    """A changed field before and after. Of what identifies somebody only what differs. `precision`: how exactly the date of birth
    is known where the change does not say it."""
    if name != "identity":
        return _value(name, before, entity, precision), _value(name, after, entity, precision)
    old, new = (_identity(side.get(name) or {}) for side in (before, after))
    differ = [part for part in old if old[part] != new[part]]
    return tuple(" · ".join(side[part] or _("None") for part in differ) for side in (old, new))  # type: ignore[return-value] # two


def _identity(value: Values) -> dict[str, str]:
    known = msgspec.convert(value, Identity)
    papers = [f"{document_words()[each.kind]} {each.number} {each.country}".strip() for each in known.documents]
    return {
        "names": ", ".join(name.whole() for name in known.names),
        "documents": ", ".join(papers),
        "telephone": known.telephone,
        "language": _language(known.language),
    }


def _value(name: str, values: Values, entity: Entity, precision: str) -> str:
    value = values.get(name)
    fact = catalogue.known().get((entity, name))
    match name:
        case "birth_date":
            return birth_words(value, str(values.get("birth_precision", precision)))
        case _ if fact is not None:
            return shown_fact(fact, dict(values))
        case _ if value is None:
            return _("Not known")
        case "relationship":
            return relationship_words().get(value, str(value))
        case "state":
            return state_words().get(value, str(value))
        case "birth_precision":
            known = {
                "day": _("Day"),
                "month": _("Month"),
                "year": _("Year"),
                "estimated": _("about %(year)s") % {"year": "…"},
            }
            return known.get(value, _("Not known"))
        case "by_phone":
            return _("On a phone") if str(value) == "True" else _("On paper")
        case "language":
            return _language(value)
        case "dwelling":
            return str(value["address"]) or _("None")
        case "area":
            return area_name(Area.objects.filter(code=value).first()) or str(value)
    return _references(name, value)


def _language(code: str) -> str:
    return dict(LANGUAGES).get(code, code)


def _references(name: str, value: Any) -> str:
    """Our own numbers of records, as the references that people know them by. Who was erased has none any more."""
    numbers = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    model = Household if name == "household" else Individual
    known = dict(model.objects.filter(id__in=numbers).values_list("id", "ref"))
    return ", ".join(known.get(number, "–") for number in numbers) or _("None")
