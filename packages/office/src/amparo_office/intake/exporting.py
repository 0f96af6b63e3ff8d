"""Lists that leave the register: exactly what is filtered, in the areas of the member, under identifiers of the
programme they are for.

More personal records than one may take alone (`EXPORT_ALONE`, 500; what the member took in the last week counts too) need a second
person, and the public log says that a list was made: for which programme, how many, why. Whoever has a list of one programme and
a list of another cannot join them: identifiers and order differ (R7). Giving a list to another organisation is off unless the
operator turned it on (R39).
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amparo_common.bridge import ExportMade
from amparo_office.desk import place, public_log
from amparo_office.errors import ExportRefused
from amparo_office.intake.lists_out import Value, writer
from amparo_office.intake.models import Export, ExportState
from amparo_office.intake.targets import own_name
from amparo_office.register import catalogue, needs
from amparo_office.register.access_lists import AT_ONCE, ListedHome, ListedPerson, read_homes, read_people
from amparo_office.register.forms_filter import Filter, households, read_filter
from amparo_office.register.models import Individual, RecordState
from amparo_office.register.pseudonyms import Pseudonyms
from amparo_office.register.sealing import Identity
from amparo_rules.catalogue import Entity
from amparo_staff.accounts.models import StaffMember
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import ask, carried_out
from amparo_staff.jobs import files
from amparo_staff.jobs.models import JobFile
from amparo_staff.jobs.service import Running, add, job
from amparo_staff.trail.service import note

PERMISSION, IDENTITY = "intake.export", "register.identity"
KIND = "intake.export"
REGISTER = "register"
LIVES = timedelta(days=1)
_WEEK = timedelta(days=7)

# Why a list is made, by code. The code stands in the public log.
REASONS: dict[str, str | Promise] = {
    "distribution": gettext_lazy("To hand out aid"),
    "verification": gettext_lazy("To check the list with the people in it"),
    "payment": gettext_lazy("To pay through a bank or mobile money"),
    "monitoring": gettext_lazy("To see whether the programme works"),
    "audit": gettext_lazy("For an audit"),
    "another-organisation": gettext_lazy("To give it to another organisation"),
}


class Asked(msgspec.Struct, frozen=True):
    """What a member asks for. `programme` "" is the register itself; `people`: a row for each person; `identity`: with names,
    papers, telephone and address."""

    filter: Filter
    programme: str
    form: str
    people: bool
    identity: bool
    reason: str


def reasons() -> dict[str, str]:
    """The reasons that may be given here."""
    shared = getattr(settings, "SHARING", False)
    return {code: str(words) for code, words in REASONS.items() if shared or code != "another-organisation"}


def alone() -> int:
    """How many personal records one member may take within a week."""
    return int(getattr(settings, "EXPORT_ALONE", place.MOST_ALONE))


def areas_of(asked: Asked, by: StaffMember) -> list[str]:
    """Where the member may take a list from."""
    areas = by.areas(PERMISSION)
    if not asked.identity:
        return areas
    both = by.areas(IDENTITY)
    if "" in areas or "" in both:
        return both if "" in areas else areas
    return sorted(
        {a for a in areas if any(a.startswith(b) for b in both)}
        | {b for b in both if any(b.startswith(a) for a in areas)}
    )


def count(asked: Asked, by: StaffMember) -> int:
    """How many personal records it would hold."""
    found = households(asked.filter, areas_of(asked, by))
    if not asked.people:
        return found.count()
    return Individual.objects.filter(household__in=found.values("id")).exclude(state=RecordState.MERGED).count()


def needs_two(number: int, by: StaffMember, at: datetime) -> bool:
    """Whether a second person is needed for so many more."""
    recent = Export.objects.filter(by=by, approval=None, at__gt=at - _WEEK).aggregate(taken=Sum("count"))["taken"] or 0
    return number + recent > alone()


def start(asked: Asked, *, by: StaffMember, at: datetime) -> Export:
    """Make a list, at once when it is short; ask a second person when it is long. Raises `ExportRefused`."""
    if asked.reason not in reasons() or asked.form not in ("csv", "xlsx"):
        raise ExportRefused("Say why the list is made, and in which form.")
    if asked.identity and not by.may(IDENTITY):
        raise ExportRefused("Your role may not see names.")
    if asked.programme and asked.programme not in needs.programmes():
        raise ExportRefused("There is no such programme.")
    with transaction.atomic():
        number = count(asked, by)
        if not number:
            raise ExportRefused("Nobody is in this list.", todo=_("Change the filter."))
        two = needs_two(number, by, at)
        row = Export.objects.create(
            programme=asked.programme,
            form=asked.form,
            people=asked.people,
            identity=asked.identity,
            asked=asked.filter.said(),
            reason=asked.reason,
            count=number,
            by=by,
            at=at,
        )
        subject = {
            "export": row.id,
            "count": number,
            "programme": asked.programme or REGISTER,
            "identity": asked.identity,
        }
        if two:
            row.approval = ask(
                KIND, subject | {"reason": asked.reason}, reason=reasons()[asked.reason], by=by, at=at
            ).id
        else:
            _begin(row, at)
        row.save()
        note("export.asked", by=by, at=at, subject=str(row.id), details={"count": number, "identity": asked.identity})
    return row


def _begin(row: Export, at: datetime) -> None:
    row.state = ExportState.WRITING
    row.job = add("intake.export", {"export": row.id}, by=row.by, at=at).id


def approval_words(approval: Approval) -> str:
    """What a second person is asked."""
    said = approval.subject
    words = {
        "count": said["count"],
        "programme": said["programme"],
        "reason": REASONS.get(said["reason"], said["reason"]),
        "identity": _("with names") if said["identity"] else _("without names"),
    }
    return _("Make a list of %(count)s records for “%(programme)s”, %(identity)s. Reason: %(reason)s.") % words


@carried_out(KIND, permission=PERMISSION, words=approval_words)
def _approved(approval: Approval, at: datetime) -> None:
    row = Export.objects.select_for_update(of=("self",)).select_related("by").get(id=approval.subject["export"])
    if row.state == ExportState.ASKED and row.approval == approval.id:
        _begin(row, at)
        row.save()


@job("intake.export", words=gettext_lazy("Make a list"), permission=PERMISSION, result_path="export-of-job")
def export(running: Running) -> dict[str, object]:
    """Write the list, say so in the public log when it is long, and only then let it be fetched."""
    row = Export.objects.select_related("by").get(id=running.argument["export"])
    if row.state != ExportState.WRITING:
        return {"rows": row.rows}
    with files.new_file(f"list.{row.form}", by=row.by, at=running.clock.now(), job=None, lives=LIVES) as made:
        rows = write(row, made, running)
    with files.erased_unless_done(made.row):
        if row.approval is not None:
            row.logged = public_log.publish(message(row))
        with transaction.atomic():
            JobFile.objects.filter(id=made.row.id).update(job=running.row)
            row.state, row.rows, row.job = ExportState.READY, rows, running.row.id
            row.save()
            note("export.made", by=row.by, at=running.clock.now(), subject=str(row.id), details={"rows": rows})
    return {"rows": rows}


def message(row: Export) -> ExportMade:
    """What the public log says."""
    return ExportMade(
        reference=hashlib.sha256(f"export {row.id} {row.approval}".encode()).hexdigest()[:16],
        programme=row.programme or REGISTER,
        count=row.count,
        identity=row.identity,
        reason=row.reason,
        approvals=2,
    )


def write(row: Export, sink: files.NewFile, running: Running) -> int:
    """Write the rows; how many."""
    asked = Asked(read_filter(row.asked), row.programme, row.form, row.people, row.identity, row.reason)
    lines = _Lines(asked, running.clock.now())
    out = writer(row.form, sink)
    out.row(lines.head())
    found = list(households(asked.filter, areas_of(asked, row.by)).order_by("id").values_list("id", "ref"))
    if row.programme:
        # In the order of the programme's own identifiers: the order would join two lists as well as an identifier.
        found.sort(key=lambda each: lines.ref(each[1]))
    numbers = [number for number, _ in found]
    written, at = 0, running.clock.now()
    for done, part in enumerate(lines.parts(numbers, row, at), start=1):
        for line in part:
            out.row(line)
            written += 1
        running.progress(min(done * AT_ONCE, len(numbers)), len(numbers))
    out.close()
    return written


class _Lines:
    """Makes the rows of a list."""

    def __init__(self, asked: Asked, at: datetime) -> None:
        self._asked = asked
        wanted, self._definitions = needs.needed(at, asked.programme), catalogue.known()
        self._facts: dict[Entity, list[str]] = {
            entity: sorted(name for kind, name in wanted if kind == entity and (kind, name) in self._definitions)
            for entity in ("household", "person")
        }
        self._pseudonyms = Pseudonyms(asked.programme) if asked.programme else None

    def head(self) -> list[str]:
        """The names of the columns: those that an import understands."""
        version = [] if self._asked.programme else ["version"]
        facts = self._facts["household"] + version
        if self._asked.people:
            first = ["person", own_name("ref"), own_name("area"), own_name("relationship"), "birth_precision"]
            identity = ["whole", "whole_2", "telephone", "documents"] if self._asked.identity else []
            return first + self._facts["person"] + version + identity
        first = [own_name("ref"), own_name("area"), "state", own_name("language"), own_name("by-phone"), "members"]
        identity = ["head", "collector", "telephone", own_name("address")] if self._asked.identity else []
        return first + facts + identity

    def parts(self, numbers: list[int], row: Export, at: datetime) -> Iterator[Iterator[list[Value]]]:
        """The rows of these households, in parts."""
        if self._asked.people:
            people = read_people(numbers, identity=row.identity, by=row.by, at=at)
            return (map(self._person, part) for part in people)
        homes = read_homes(numbers, identity=row.identity, by=row.by, at=at)
        return (map(self._home, part) for part in homes)

    def ref(self, ref: str) -> str:
        """How a record is called in this list: in a programme's by its identifier there, the one on its receipts."""
        return ref if self._pseudonyms is None else self._pseudonyms.of(ref)

    def _version(self, number: int) -> list[Value]:
        """The version, so that a list that comes back with corrections is refused where a record changed since. Not for a
        programme: it would help to join two lists."""
        return [] if self._asked.programme else [number]

    def _values(self, entity: Entity, facts: dict[str, int | None]) -> list[Value]:
        shown = [self._definitions[entity, name].type.show(facts.get(name)) for name in self._facts[entity]]
        return [("yes" if each else "no") if isinstance(each, bool) else each for each in shown]

    def _person(self, each: ListedPerson) -> list[Value]:
        first: list[Value] = [
            self.ref(each.ref),
            self.ref(each.household_ref),
            each.area,
            each.relationship,
            each.birth_precision,
            *self._values("person", each.facts),
            *self._version(each.version),
        ]
        if not self._asked.identity:
            return first
        identity = each.identity or Identity()
        names = [name.whole() for name in identity.names[:2]] + ["", ""]
        papers = "; ".join(f"{paper.kind} {paper.number}" for paper in identity.documents)
        return [*first, names[0], names[1], identity.telephone, papers]

    def _home(self, home: ListedHome) -> list[Value]:
        way = "yes" if home.by_phone else "no"
        ref = self.ref(home.ref)
        first: list[Value] = [ref, home.area, home.state, home.language, way, home.members]
        first += [*self._values("household", home.facts), *self._version(home.version)]
        if not self._asked.identity:
            return first
        telephone = "" if home.collector is None else home.collector.telephone
        return [*first, _name(home.head), _name(home.collector), telephone, home.address]


def _name(identity: Identity | None) -> str:
    """The name they use; "" when none is known: the register's own reference would join lists of two programmes."""
    return identity.names[0].whole() if identity is not None and identity.names else ""
