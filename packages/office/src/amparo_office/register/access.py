"""Reading records: the only way to a name, a number or an address.

Who reads names a purpose; the purpose says which kinds of data it needs, and nothing else is opened. Every reading is written
into `Access` in the same transaction, refused ones too, and the person can ask for the list (`accesses_of`). A member sees only
records in their areas, and identity only with the permission `register.identity`. For a list that leaves: `access_lists`.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amparo_common.secret import Secret
from amparo_office.errors import KeyDestroyed, OutsideArea, PurposeRefused, RecordUnknown
from amparo_office.register import access_pages, bulk
from amparo_office.register.correction import area_of, within
from amparo_office.register.models import Access, AccessPage, Collector, Household, Individual, RecordState
from amparo_office.register.sealing import Dwelling, Identity, open_dwelling, open_identity
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember

log = logging.getLogger(__name__)

Kinds = frozenset[str]
IDENTITY: Kinds = frozenset({"names", "documents", "telephone", "address"})
EVERYTHING: Kinds = IDENTITY | {"facts", "place", "history", "accesses"}
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why somebody reads, in words, and what that needs."""

    words: str | Promise
    kinds: Kinds


PURPOSES: dict[str, Purpose] = {
    "list": Purpose(_("To find somebody in a list"), frozenset({"names", "place"})),
    "service": Purpose(
        _("To serve the person who came"),
        frozenset({"names", "documents", "telephone", "address", "facts", "place", "history"}),
    ),
    "correction": Purpose(
        _("To correct the record"),
        frozenset({"names", "documents", "telephone", "address", "facts", "place", "history"}),
    ),
    "contact": Purpose(_("To get in touch"), frozenset({"names", "telephone", "address", "place"})),
    "duplicates": Purpose(
        _("To see whether two records are one person"), frozenset({"names", "documents", "telephone", "facts", "place"})
    ),
    "grievance": Purpose(_("To answer a complaint"), frozenset({"names", "telephone", "address", "facts", "place"})),
    "disbursement": Purpose(_("To hand out aid"), frozenset({"names", "documents", "place"})),
    "import": Purpose(_("To check an import"), frozenset({"names", "documents", "telephone", "facts", "place"})),
    "export": Purpose(
        _("To export with two people"), frozenset({"names", "documents", "telephone", "address", "facts", "place"})
    ),
    "person-file": Purpose(_("To give the person their own record"), EVERYTHING),
    "card": Purpose(_("To print identity cards"), frozenset({"names", "facts"})),
    "erasure": Purpose(_("To erase the record"), frozenset({"names", "place"})),
    "statistics": Purpose(_("To count, without names"), frozenset({"facts", "place"})),
}


class IndividualView(msgspec.Struct, frozen=True, kw_only=True):
    """A person as this reader may see them. `identity` is None when the reader or the purpose may not see it."""

    id: int
    ref: str
    state: str
    version: int
    household: int | None
    household_ref: str | None
    area: str
    relationship: str
    birth_precision: str
    facts: dict[str, int | None]
    identity: Identity | None

    def name(self) -> str:
        """The name they use, or the reference when it may not be seen or is not known."""
        names = self.identity.names if self.identity else []
        return names[0].whole() if names else self.ref


class HouseholdView(msgspec.Struct, frozen=True, kw_only=True):
    """A household as this reader may see it, with its members. `collectors`: kind → person."""

    id: int
    ref: str
    state: str
    version: int
    area: str
    language: str
    by_phone: bool
    facts: dict[str, int | None]
    dwelling: Dwelling | None
    members: list[IndividualView]
    collectors: dict[str, IndividualView]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, why, when; which kinds they may open, and where."""

    by: StaffMember | None
    purpose: str
    at: datetime
    kinds: Kinds
    areas: list[str] = field(default_factory=list)

    def may_see(self, area: str) -> bool:
        """Whether records of this place are theirs to read."""
        return within(self.areas, area)


def read_individual(
    number: int, *, by: StaffMember | None, purpose: str, at: datetime, kinds: Kinds | None = None
) -> IndividualView:
    """A person. `kinds` asks for fewer kinds of data than the purpose allows. Raises `RecordUnknown`, `PurposeRefused`,
    `OutsideArea`, `KeyDestroyed`. Call it where an error does not undo the access log: not inside a transaction of your own."""
    row = _people([number]).first()
    if row is None:
        raise RecordUnknown("There is no such person.")
    reader = reader_of(by, purpose, at, kinds, individual=row)
    if not reader.may_see(area_of(row)):
        _refuse_outside(reader, individual=row)
    with transaction.atomic():
        _written(reader, individuals=[row])
        return _individual_view(row, reader, vault().keys([row.key]))


def read_individuals(
    numbers: Collection[int], *, by: StaffMember | None, purpose: str, at: datetime, kinds: Kinds | None = None
) -> dict[int, IndividualView]:
    """Many people, in the order asked. Who is outside the reader's areas, or was erased, is left out."""
    reader = reader_of(by, purpose, at, kinds)
    wanted = list(numbers)
    found: dict[int, IndividualView] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        with transaction.atomic():
            rows = {row.id: row for row in _people(wanted[start : start + _AT_ONCE])}
            seen = [rows[each] for each in wanted[start : start + _AT_ONCE] if each in rows]
            seen = [row for row in seen if reader.may_see(area_of(row))]
            keys = vault().keys([row.key for row in seen])
            seen = [row for row in seen if row.key in keys]
            _written(reader, individuals=seen)
            found |= {row.id: _individual_view(row, reader, keys) for row in seen}
    return found


def read_names(numbers: Collection[int], *, by: StaffMember | None, purpose: str, at: datetime) -> dict[int, str]:
    """The name that each person uses, for lists. A reader without `register.identity` gets none."""
    reader = reader_of(by, purpose, at, frozenset({"names"}))
    if "names" not in reader.kinds:
        return {}
    views = read_individuals(numbers, by=by, purpose=purpose, at=at, kinds=frozenset({"names"}))
    return {number: view.name() for number, view in views.items()}


def read_household(
    number: int, *, by: StaffMember | None, purpose: str, at: datetime, kinds: Kinds | None = None
) -> HouseholdView:
    """A household with its members and collectors. Raises like `read_individual`."""
    row = Household.objects.filter(id=number).first()
    if row is None:
        raise RecordUnknown("There is no such household.")
    reader = reader_of(by, purpose, at, kinds, household=row)
    if not reader.may_see(row.area_id or ""):
        _refuse_outside(reader, household=row)
    with transaction.atomic():
        found = _household_views([row], reader)
    if row.id not in found:
        raise KeyDestroyed("The key of this record was destroyed.")
    return found[row.id]


def open_for_matching(
    *, by: StaffMember | None, at: datetime, purpose: str = "duplicates", numbers: Collection[int] | None = None
) -> Iterator[tuple[Individual, Identity]]:
    """Everybody who is not merged (or these people), for a machine that compares them and shows nothing. One line in the access
    log stands for all; the person's list of accesses shows it too."""
    reader = reader_of(by, purpose, at, None)
    Access.objects.create(at=at, by=by, purpose=purpose, kinds=sorted(reader.kinds), everybody=True)
    rows = Individual.objects.exclude(state=RecordState.MERGED).order_by("id")
    if numbers is not None:
        rows = rows.filter(id__in=list(numbers))
    last = 0
    while part := list(rows.filter(id__gt=last)[:_AT_ONCE]):
        last = part[-1].id
        keys = vault().keys([row.key for row in part])
        for row in part:
            if row.key in keys and row.sealed is not None:
                yield row, shown(open_identity(keys[row.key], row.id, row.sealed), reader.kinds)


def accesses_of(individual: int) -> QuerySet[Access]:
    """Every reading of a person, of their household, and of everybody, newest first; refused ones and lists too."""
    row = Individual.objects.filter(id=individual).first()
    whose = Q(individual_id=individual) | Q(everybody=True) | _listed(AccessPage.Kind.INDIVIDUAL, individual)
    if row is not None and row.household_id is not None:
        whose |= Q(household_id=row.household_id) | _listed(AccessPage.Kind.HOUSEHOLD, row.household_id)
    return _newest(whose)


def accesses_of_household(household: int) -> QuerySet[Access]:
    """Every reading of a household as a whole, newest first; refused ones and lists too."""
    return _newest(Q(household_id=household) | _listed(AccessPage.Kind.HOUSEHOLD, household))


# --- steps ---------------------------------------------------------------------------------------------------------------


def _listed(kind: AccessPage.Kind, number: int) -> Q:
    return Q(id__in=access_pages.readings_of(kind, number))


def _newest(whose: Q) -> QuerySet[Access]:
    return Access.objects.filter(whose).select_related("by").order_by("-at", "-id")


def _people(numbers: Collection[int]) -> QuerySet[Individual]:
    return Individual.objects.filter(id__in=bulk.these(numbers)).select_related("household")


def reader_of(
    by: StaffMember | None,
    purpose: str,
    at: datetime,
    kinds: Kinds | None,
    *,
    individual: Individual | None = None,
    household: Household | None = None,
) -> Reader:
    """The reader, if the purpose needs what is asked. Raises `PurposeRefused`; the refusal is written down."""
    known = PURPOSES.get(purpose)
    wanted = known.kinds if known and kinds is None else kinds or frozenset()
    if known is None or wanted - known.kinds:
        _note_refusal(by, purpose, at, wanted, individual, household)
        raise PurposeRefused("This purpose does not need these data.")
    if by is None:
        return Reader(by, purpose, at, wanted, [""])
    seeing = wanted if by.may("register.identity") else wanted - IDENTITY
    needed = "register.identity" if seeing & IDENTITY else "register.view"
    return Reader(by, purpose, at, seeing, by.areas(needed))


def _refuse_outside(
    reader: Reader, *, individual: Individual | None = None, household: Household | None = None
) -> None:
    _note_refusal(reader.by, reader.purpose, reader.at, reader.kinds, individual, household)
    raise OutsideArea("This record lies outside your areas.")


def _note_refusal(
    by: StaffMember | None,
    purpose: str,
    at: datetime,
    kinds: Kinds,
    individual: Individual | None,
    household: Household | None,
) -> None:
    Access.objects.create(
        individual=individual,
        household=household,
        at=at,
        by=by,
        purpose=purpose[:32],
        kinds=sorted(kinds),
        refused=True,
    )
    log.warning("a reading was refused; the access log says which")


def _written(
    reader: Reader, *, individuals: Collection[Individual] = (), households: Collection[Household] = ()
) -> None:
    kinds = sorted(reader.kinds)
    said = {"at": reader.at, "by": reader.by, "purpose": reader.purpose, "kinds": kinds}
    Access.objects.bulk_create(
        [Access(individual=each, **said) for each in individuals]
        + [Access(household=each, **said) for each in households]
    )


def shown(identity: Identity, kinds: Kinds) -> Identity:
    """Of an identity only these kinds."""
    return Identity(
        names=identity.names if "names" in kinds else [],
        documents=identity.documents if "documents" in kinds else [],
        telephone=identity.telephone if "telephone" in kinds else "",
        language=identity.language,
    )


def _individual_view(row: Individual, reader: Reader, keys: dict[int, Secret]) -> IndividualView:
    identity = None
    if reader.kinds & IDENTITY and row.sealed is not None:
        if row.key not in keys:
            raise KeyDestroyed("The key of this record was destroyed.")
        identity = shown(open_identity(keys[row.key], row.id, row.sealed), reader.kinds)
    return IndividualView(
        id=row.id,
        ref=row.ref,
        state=row.state,
        version=row.version,
        household=row.household_id,
        household_ref=row.household.ref if row.household else None,
        area=area_of(row) if "place" in reader.kinds else "",
        relationship=row.relationship,
        birth_precision=row.birth_precision,
        facts=row.facts if "facts" in reader.kinds else {},
        identity=identity,
    )


def _household_views(rows: list[Household], reader: Reader) -> dict[int, HouseholdView]:
    numbers = [row.id for row in rows]
    members = list(Individual.objects.filter(household_id__in=numbers).select_related("household").order_by("id"))
    chosen = list(Collector.objects.filter(household_id__in=numbers).select_related("individual__household"))
    people = {each.id: each for each in [*members, *(each.individual for each in chosen)]}
    keys = vault().keys([row.key for row in rows] + [each.key for each in people.values()])
    seen = [row for row in rows if row.key in keys]
    _written(reader, households=seen, individuals=[each for each in people.values() if each.key in keys])
    views = {each.id: _individual_view(each, reader, keys) for each in people.values() if each.key in keys}
    living: defaultdict[int, list[Individual]] = defaultdict(list)
    collecting: defaultdict[int, list[Collector]] = defaultdict(list)
    for person in members:
        living[person.household_id or 0].append(person)
    for each_collector in chosen:
        collecting[each_collector.household_id].append(each_collector)
    return {
        row.id: HouseholdView(
            id=row.id,
            ref=row.ref,
            state=row.state,
            version=row.version,
            area=(row.area_id or "") if "place" in reader.kinds else "",
            language=row.language,
            by_phone=row.by_phone,
            facts=row.facts if "facts" in reader.kinds else {},
            dwelling=_dwelling(row, reader, keys),
            members=[views[each.id] for each in living[row.id] if each.id in views],
            collectors={
                each.kind: views[each.individual_id] for each in collecting[row.id] if each.individual_id in views
            },
        )
        for row in seen
    }


def _dwelling(row: Household, reader: Reader, keys: dict[int, Secret]) -> Dwelling | None:
    if "address" not in reader.kinds or row.sealed is None:
        return None
    return open_dwelling(keys[row.key], row.id, row.sealed)
