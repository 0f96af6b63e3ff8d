"""Invented content for the screens, made in a process of its own: `python -m tests.browser.content FOLDER`.

Each part has a maker that puts what its screens need into `made` (key -> reference). Prints one JSON object: the screens with their
addresses and the session of who opens them.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amparo_office.desk import start
from amparo_service.serve import ServiceArguments

if TYPE_CHECKING:
    from tests.browser.screens import Screen

AT = datetime(2026, 12, 1, 10, tzinfo=UTC)
Made = dict[str, str]


def jobs(made: Made, members: dict[str, Any]) -> None:
    """One job of each state, of the registrar."""
    from amparo_common.clock import SystemClock
    from amparo_staff.jobs import files
    from amparo_staff.jobs.models import Job, State

    by = members["registrar"]
    far = SystemClock().now() + timedelta(days=1)  # its worker "lives" for the length of the test
    common = {"kind": "intake.look", "by": by, "added": AT}
    running = {
        "state": State.RUNNING,
        "done": 41_500,
        "total": 100_000,
        "started": AT - timedelta(minutes=2),
        "beat": far,
    }
    done = {
        "state": State.DONE,
        "done": 9_955,
        "total": 9_955,
        "started": AT,
        "finished": AT,
        "result": {"rows": 9_955},
    }
    failed = {
        "state": State.FAILED,
        "started": AT,
        "finished": AT,
        "attempts": 3,
        "error_code": "staff.job_died",
        "error_words": "The work stopped three times without a word.",
    }
    made["job_running"] = str(Job.objects.create(**common, **running).id)
    made["job_waiting"] = str(Job.objects.create(**common, state=State.RUNNING, beat=far).id)
    made["job_failed"] = str(Job.objects.create(**common, **failed).id)
    job = Job.objects.create(**common, **done)
    made["job_done"] = str(job.id)
    with files.new_file("report.xlsx", by=by, at=AT, job=job) as report:
        report.write(b"invented")


def register(made: Made, members: dict[str, Any]) -> None:
    """Areas, a few households of invented people, one corrected and read, one that waits to be erased."""
    from amparo_office.register import access, service
    from amparo_office.register.models import Area, Origin
    from amparo_office.register.sealing import Document, Dwelling, Identity, Name
    from amparo_office.register.service import NewHousehold, NewIndividual

    Area.objects.create(code="XA", level=0, names={"es": "Tierra", "en": "Land", "ar": "البلاد"})
    Area.objects.create(code="XA01", level=1, parent_id="XA", names={"es": "Norte", "en": "North", "ar": "الشمال"})
    origin = service.make_origin(Origin.Kind.IMPORT, source="parroquia", day=AT.date(), by=members["registrar"])
    families = [("María Fernanda", "González Urdaneta"), ("فاطمة", "حداد"), ("Omar", "Khalil")]
    for place in range(60):
        given, family = families[place % 3]
        identity = Identity(
            [Name(given, family)], [Document("national-id", f"V{10_000_000 + place}")], f"+58412555{place:04}"
        )
        home = NewHousehold(
            area="XA01",
            by_phone=place % 2 == 0,
            facts={"rooms": 1 + place % 5},
            dwelling=Dwelling("detrás de la escuela"),
            members=[
                NewIndividual(identity=identity, relationship="HEAD", birth_date=4_000 + place, birth_precision="day"),
                NewIndividual(
                    identity=Identity([Name("Ana", family)]), relationship="SON_DAUGHTER", facts={"disability": 0}
                ),
            ],
            alternate=1,
        )
        kept = service.enrol(home, origin=origin, by=members["registrar"], at=AT)
    person = kept.members.earliest("id")
    made |= {"household": kept.ref, "person": person.ref}
    why = {"reason": "lo dijo la persona", "origin_source": "desk", "by": members["validator"], "at": AT}
    changed = Identity([Name("Omar", "Khalil Haddad")], identity.documents, "+584125550000")
    service.correct_individual(person.id, service.IndividualChanges(identity=changed), version=1, **why)
    access.read_individual(person.id, by=members["grievance-officer"], purpose="grievance", at=AT)
    changed_home = service.HouseholdChanges(language="ar")
    service.correct_household(kept.id, changed_home, version=1, **why)


def erasing(made: Made, members: dict[str, Any]) -> None:
    """One erasure that was agreed, one that waits, one that was refused."""
    from amparo_office.register.models import Household, Individual
    from amparo_office.register.views_erase import ERASE
    from amparo_staff.approvals.service import answer, ask

    spouse, head = Individual.objects.order_by("id")[:2]
    household = Household.objects.order_by("-id")[5]
    for key, record, yes in (
        ("erased", spouse, True),
        ("erasing", head, None),
        ("not_erased", household, False),
    ):
        kind = "household" if record is household else "individual"
        subject = {"kind": kind, "ref": record.ref, "number": record.pk, "members": 2, "area": "XA01"}
        waiting = ask(ERASE, subject, reason="Lo pidió.", by=members["validator"], at=AT)
        made[key] = str(waiting.id)
        if yes is not None:
            answer(waiting, by=members["approver"], yes=yes, why="Hablé con la persona.", at=AT)


def duplicates(made: Made, members: dict[str, Any]) -> None:
    """Pairs side by side: one with much that differs, one that was judged, one that was put together; and a crowd."""
    from amparo_office.duplicates import service
    from amparo_office.duplicates.models import Crowd, CrowdMember, PossibleDuplicate, Verdict, Why
    from amparo_office.register.models import Individual, Relationship
    from amparo_office.register.sealing import Document, Identity, Name
    from amparo_office.register.service import IndividualChanges, correct_individual

    heads = list(Individual.objects.filter(relationship=Relationship.HEAD.value).order_by("id")[10:18])
    far = Identity(
        [Name("María Fernanda de los Ángeles", "Gonsales Hurdaneta"), Name("ماريا", "غونزاليس")],
        [Document("national-id", "V99887766"), Document("passport", "XK-4455", "VE")],
        "+584245550099",
    )
    correct_individual(
        heads[1].id,
        IndividualChanges(identity=far, birth_date=9_000, birth_precision="year"),
        version=1,
        reason="mostró sus papeles",
        origin_source="desk",
        by=members["validator"],
        at=AT,
    )
    pairs = [
        PossibleDuplicate.objects.create(
            first=heads[place], second=heads[place + 1], agreed=["name", "telephone"], found=AT, basis=b""
        )
        for place in (0, 2, 4)
    ]
    said = service.Judged(Verdict.DIFFERENT, Why.SAME_NAME)
    service.judge(pairs[1].id, said, by=members["validator"], at=AT)
    put_together = service.Judged(Verdict.SAME, Why.TYPED_TWICE, keep=heads[4].id)
    service.judge(pairs[2].id, put_together, by=members["validator"], at=AT)
    crowd = Crowd.objects.create(found=AT)
    for each in heads[6:8]:
        CrowdMember.objects.create(crowd=crowd, individual=each, basis=bytes(16))
    made |= {"pair": str(pairs[0].id), "pair_judged": str(pairs[1].id), "crowd": str(crowd.id)}
    made["person_merged"] = heads[4].ref


def packets(made: Made, members: dict[str, Any]) -> None:
    """Voucher sheets of a household: a good one, one that waits to be struck, one that was struck."""
    from amparo_common.sheets import sheet_number
    from amparo_office.packets import service
    from amparo_office.packets.models import Packet
    from amparo_office.register.models import Household
    from amparo_staff.approvals.service import answer

    home = Household.objects.get(ref=made["household"])
    numbers = [sheet_number() for _ in range(3)]
    until = AT.date() + timedelta(days=60)
    good, asked, struck = [Packet.objects.create(number=each, household=home, until=until) for each in numbers]
    made["sheet"], made["sheet_waiting"], made["sheet_struck"] = good.number, asked.number, struck.number
    by = members["registrar"]
    made["striking"] = str(service.ask_strike(asked, reason="Lost at the market", by=by, at=AT).id)
    lost = service.ask_strike(struck, reason="Stolen", by=by, at=AT)
    answer(lost, by=members["approver"], yes=True, why="", at=AT)
    made["sheet_successor"] = Packet.objects.exclude(number__in=numbers).get(household=home).number


def staff(made: Made, members: dict[str, Any]) -> None:
    """Approvals in each state, a trail, a member with a password and a passkey, one who is disabled and one without a password."""
    from tests.servers.invented import give_passkey

    from amparo_staff.accounts import codes, service
    from amparo_staff.accounts.models import Grant, StaffMember
    from amparo_staff.accounts.roles import Role
    from amparo_staff.accounts.service import Wanted
    from amparo_staff.approvals.service import answer

    other = StaffMember.objects.create(login="second-admin", name="Noé Paredes", language="en")
    Grant.objects.create(member=other, role=Role.ADMINISTRATOR.value)
    carla = StaffMember(login="carla", name="كارلا دياز", language="en")
    carla.set_password("seven green lanterns")
    carla.save()
    Grant.objects.create(member=carla, role=Role.REGISTRAR.value, area="SV01")
    give_passkey(carla, AT)
    codes.replace_second_factor(members["registrar"], at=AT)
    nora = StaffMember(login="nora", name="Nora", language="en")
    nora.set_password("seven green lanterns")
    nora.save()
    Grant.objects.create(member=nora, role=Role.REGISTRAR.value)
    invited, _ = service.add_member("dora", "Dora Ñandú", "es", by=other, at=AT)
    disabled, _ = service.add_member("eva", "Eva", "fr", by=other, at=AT)
    service.disable(disabled, by=other, at=AT)
    wanted = [Wanted(Role.VALIDATOR, "SV01"), Wanted(Role.APPROVER, "SV02", "bread")]
    waiting = service.change_roles(invited, wanted[:1], reason="She checks in Ahuachapán now.", by=other, at=AT)
    mine = service.change_roles(invited, wanted[1:], reason="She signs.", by=members["administrator"], at=AT)
    recovery = service.ask_recovery(carla, reason="Lost her telephone.", by=other, at=AT)
    answer(recovery, by=members["administrator"], yes=True, why="She sits here.", at=AT)
    refused = service.ask_recovery(carla, reason="Lost it again.", by=other, at=AT)
    answer(refused, by=members["administrator"], yes=False, why="I cannot reach her.", at=AT)
    made |= {"member": str(carla.id), "member_invited": str(invited.id), "member_disabled": str(disabled.id)}
    made |= {"member_own": str(members["administrator"].id), "passkey": str(members["registrar"].passkeys.get().id)}
    made |= {"approval_waiting": str(waiting and waiting.id), "approval_mine": str(mine and mine.id)}
    made |= {"approval_recovery": str(recovery.id), "approval_refused": str(refused.id)}


def intake(made: Made, members: dict[str, Any]) -> None:
    """Imports at each of their steps, and two lists."""
    import io

    from amparo_common.clock import FixedClock, SystemClock
    from amparo_office.intake import exporting, service
    from amparo_office.intake.looking import read_look
    from amparo_office.intake.mapping_page import propose
    from amparo_office.intake.models import Import
    from amparo_office.register.forms_filter import read_filter
    from amparo_staff.jobs.models import Job, State
    from amparo_staff.jobs.service import run_next

    by = members["registrar"]

    def work() -> None:
        # Whether a job's worker lives is told by the machine's own time: those of `jobs` live on.
        while run_next(FixedClock(AT), alive=SystemClock()):
            pass

    def sent(key: str, *rows: str, check: bool, source: str = "") -> Import:
        content = io.BytesIO("\n".join(["ref,nombre,telefono,religion", *rows]).encode())
        given = service.receive(f"Market, {key}", [("list.csv", content)], by=by, at=AT).given
        work()
        given = Import.objects.get(id=given.id)
        made[key] = str(given.id)
        if check:
            look = read_look(given, AT)
            plan = propose(look, frozenset(), {})
            service.start_check(given, look, plan, source=source or key, day=AT.date(), by=by, at=AT)
            work()
        return Import.objects.get(id=given.id)

    sent("import_columns", "1,Ana Rojas,+584125550100,x", check=False)
    sent("import_ready", "9,Nadia Saab,+584125550109,x", check=True)
    sent("import_faults", "1,Ana Rojas,+584125550100,x", "2,Luis Paz,mucho,x", check=True)
    merged = sent("import_merged", "7,مريم حداد,,x", check=True)
    service.start_commit(merged, by=by, at=AT)
    work()
    asked = exporting.Asked(read_filter({}), "", "csv", people=True, identity=False, reason="audit")
    sent("import_nothing_new", "7,مريم حداد,,y", check=True, source="import_merged")
    sent("import_remembered", "8,Luis Saab,,x", check=False)
    made["export"] = str(exporting.start(asked, by=members["validator"], at=AT).id)
    work()
    upload = io.BytesIO(b"ref,nombre\n1,Eva Luz\n")
    reading = service.receive("Read now", [("list.csv", upload)], by=by, at=AT).given
    # Its worker "lives" for the length of the test.
    far = SystemClock().now() + timedelta(days=1)
    Job.objects.filter(id=str(reading.job)).update(state=State.RUNNING, started=AT, beat=far)
    made["import_reading"] = str(reading.id)


MAKERS: tuple[Callable[[Made, dict[str, Any]], None], ...] = (
    jobs,
    staff,
    register,
    erasing,
    intake,
    duplicates,
    packets,
)


def people() -> dict[str, Any]:
    """A member of staff for each role, by the role's code."""
    from tests.servers.invented import give_passkey

    from amparo_staff.accounts.models import Grant, StaffMember
    from amparo_staff.accounts.roles import Role

    names = {"registrar": "Rosa Quispe Mamani", "validator": "سلمى الحسن"}
    made = {}
    for role in Role:
        member = StaffMember.objects.create(
            login=role.value, name=names.get(role.value, role.value.title()), language="en"
        )
        Grant.objects.create(member=member, role=role.value)
        give_passkey(member, AT)
        made[role.value] = member
    return made


def sessions(members: dict[str, Any]) -> dict[str, str]:
    """A signed-in session of each member."""
    from django.test import Client

    found = {}
    for role, member in members.items():
        client = Client()
        client.force_login(member)
        found[role] = client.cookies["sessionid"].value
    return found


def main(folder: Path, clock: Path) -> list[dict[str, Any]]:
    """Make everything; the screens as the driver takes them."""
    start.prepare(ServiceArguments(folder, "", 0, clock))
    start.migrate()
    from tests.browser.screens import SCREENS

    members = people()
    made: Made = {}
    for make in MAKERS:
        make(made, members)
    cookies = sessions(members)
    return [
        {
            "name": screen.name,
            "path": _address(screen, [made[key] for key in screen.args]) + screen.query,
            "session": "" if screen.role is None else cookies[screen.role.value],
            "fill": screen.fill,
            "submit": screen.submit,
            "status": screen.status,
        }
        for screen in SCREENS
    ]


def _address(screen: "Screen", keys: list[str]) -> str:
    """Where a screen is; `{0}` in a path of its own is the first of its keys."""
    from django.urls import reverse

    return screen.path.format(*keys) if screen.path else reverse(screen.path_name, args=keys)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
