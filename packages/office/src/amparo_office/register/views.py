"""What the register's pages share: the moment, finding a record within the member's areas, words for codes.

Every page that shows something of a person goes through `access`, which writes down who read it and for what. What identifies a
person is shown only in the answer to a POST that says the purpose, so that no link, no prefetch and no "back" opens it.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.http import Http404, HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from amparo_office.programmes import Needed
from amparo_office.register import catalogue
from amparo_office.register.access import PURPOSES
from amparo_office.register.forms import fact_label
from amparo_office.register.forms_filter import codes_under, in_areas
from amparo_office.register.models import Area, Household, Individual, Origin, Record, RecordState
from amparo_rules.catalogue import Entity, FactDefinition
from amparo_staff.accounts.access import member_of
from amparo_staff.accounts.clock import now

VIEW, IDENTITY, CHANGE = "register.view", "register.identity", "register.change"
AREAS_TO_CHOOSE = 300
STATE_KINDS = {"new": "info", "validated": "good", "paused": "waiting", "left": "off", "merged": "off"}
_EPOCH = date(1970, 1, 1)


def moment() -> datetime:
    """Now, by the desk's clock. The pages are the edge at which time is read."""
    return now()


def household_in_scope(request: HttpRequest, ref: str, permission: str = VIEW) -> Household:
    """The household with this reference. Raises Http404 as well when it lies outside the member's areas: nobody learns that it is
    there."""
    areas = member_of(request).areas(permission)
    found = in_areas(Household.objects.select_related("origin", "area"), areas).filter(ref=ref).first()
    if found is None:
        raise Http404
    return found


def person_in_scope(request: HttpRequest, ref: str, permission: str = VIEW) -> Individual:
    """The person with this reference: a member of a household in the member's areas, or a collector for one. Raises Http404."""
    found = Individual.objects.select_related("origin", "household__area").filter(ref=ref).first()
    if found is None or not may_see(found, member_of(request).areas(permission)):
        raise Http404
    return found


def may_see(person: Individual, areas: list[str]) -> bool:
    """Whether the person's household, or one that they collect for, lies in these areas."""
    if "" in areas:
        return True
    near = [person.household] if person.household else []
    near += [each.household for each in person.collects_for.select_related("household")]
    return any(each.area_id is not None and each.area_id.startswith(area) for each in near for area in areas)


def state_words() -> dict[str, str]:
    """Every state of a record in the page's words."""
    return {
        RecordState.NEW.value: _("New"),
        RecordState.VALIDATED.value: _("Checked"),
        RecordState.PAUSED.value: _("Paused"),
        RecordState.LEFT.value: _("Has left"),
        RecordState.MERGED.value: _("Merged into another"),
    }


def origin_words(origin: Origin) -> str:
    """Where facts come from, in the page's words."""
    kinds = {
        Origin.Kind.IMPORT.value: _("Import"),
        Origin.Kind.DESK.value: _("At the desk"),
        Origin.Kind.CORRECTION.value: _("Correction"),
    }
    return kinds.get(origin.kind, origin.kind)


def area_name(area: Area | None) -> str:
    """An area's name in the page's language, else in any, else its code."""
    if area is None:
        return ""
    return _in_language(area.names or {}, area.code)


def _in_language(names: dict[str, str], code: str) -> str:
    return names.get((get_language() or "es")[:2]) or next(iter(names.values()), code)


def knows_area(areas: list[str], code: str) -> bool:
    """Whether there is such an area among these."""
    return codes_under(areas).filter(code=code).exists()


def area_choices(areas: list[str], *, limit: int = AREAS_TO_CHOOSE) -> list[tuple[str, str]]:
    """The areas in which a member may, to choose from: by their place in the tree, with code and name. Nothing when they are too
    many to choose from; a page then asks for the code."""
    found = Area.objects.filter(code__in=codes_under(areas)) if "" not in areas else Area.objects.all()
    rows = list(found.order_by("code").values_list("code", "level", "names")[: limit + 1])
    if len(rows) > limit:
        return []
    return [(code, f"{'· ' * level}{_in_language(names, code)} ({code})") for code, level, names in rows]


def options(choices: Iterable[tuple[object, object]], chosen: object) -> SafeString:
    """The `<option>` lines of a long choice; made here because a template takes ten times as long for hundreds of them."""
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((code, mark_safe(" selected") if code == chosen else "", words) for code, words in choices),
    )


def day_of(days: int) -> date:
    """Days since 1970 as a date."""
    return _EPOCH + timedelta(days=days)


def birth_words(value: int | None, precision: str) -> str:
    """As much of a date of birth as is known, shortest first: 1990, 1990-04, 1990-04-12, "about 1990"."""
    if value is None:
        return _("Not known")
    born = day_of(value)
    match precision:
        case "day":
            return born.isoformat()
        case "month":
            return f"{born:%Y-%m}"
        case "year":
            return f"{born:%Y}"
    return _("about %(year)s") % {"year": born.year}


def today() -> date:
    """The day in UTC."""
    return moment().astimezone(UTC).date()


def is_open(record: Record) -> bool:
    """Whether the record can still be changed."""
    return record.state in (RecordState.NEW, RecordState.VALIDATED, RecordState.PAUSED)


def field_words(name: str) -> str:
    """A field of a change in the page's words; a fact by its label."""
    words = {
        "identity": _("Names, papers, telephone"),
        "dwelling": _("Address"),
        "area": _("Area"),
        "language": _("Language"),
        "by_phone": _("How it gets its aid"),
        "state": _("State"),
        "relationship": _("To the head"),
        "birth_precision": _("How exact the date of birth is"),
        "collectors": _("Who collects"),
        "household": _("Household"),
        "head": _("Head of the household"),
        "member": _("Members"),
        "members": _("Members"),
        "left": _("Has left"),
    }
    if name in words:
        return words[name]
    found = next((fact for (_entity, known), fact in catalogue.known().items() if known == name), None)
    return fact_label(found) if found else name


def change_words(what: str) -> str:
    """What kind of change it was, in the page's words."""
    words = {
        "corrected": _("Corrected"),
        "collectors": _("Collectors chosen"),
        "left": _("Left"),
        "head": _("Head changed"),
        "moved": _("Moved"),
        "split": _("Split"),
        "merged": _("Merged"),
        "unmerged": _("Merge undone"),
    }
    return words.get(what, what)


def kind_words() -> dict[str, str]:
    """Kinds of data in the page's words."""
    return {
        "names": _("names"),
        "documents": _("papers"),
        "telephone": _("telephone"),
        "address": _("address"),
        "facts": _("facts"),
        "place": _("place"),
        "history": _("changes"),
        "accesses": _("accesses"),
    }


# What somebody at the desk reads for; the others are for machines and for pages of their own.
_DESK_PURPOSES = ("service", "list", "contact", "correction", "grievance", "disbursement")


def purpose_choices() -> list[tuple[str, str]]:
    """The purposes to choose from before names are shown, in the page's words."""
    return [(code, str(PURPOSES[code].words)) for code in _DESK_PURPOSES]


def asked_facts(entity: Entity, needed: Needed) -> list[FactDefinition]:
    """The facts that a page may ask for: those that a published programme needs. A member's date of birth and being the head have
    pages of their own."""
    return [
        fact
        for (kind, name), fact in catalogue.known().items()
        if kind == entity and (kind, name) in needed and name not in ("birth_date", "is_head")
    ]


def shown_fact(fact: FactDefinition, facts: dict[str, int | None]) -> str:
    """A fact's value in the page's words."""
    value = facts.get(fact.name)
    if value is None:
        return _("Not known")
    if fact.type.kind == "bool":
        return _("Yes") if value else _("No")
    return str(fact.type.show(value))


def purpose_words(purpose: str) -> str:
    """A fact's purpose in the page's words; as it was written where it is no purpose of the release."""
    words = {
        "size and composition of the household": _("size and composition of the household"),
        "declared need of the household": _("declared need of the household"),
    }
    return words.get(purpose, purpose)
