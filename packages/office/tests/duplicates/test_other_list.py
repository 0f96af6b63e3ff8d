"""Comparing with another agency's list: what a file holds, what comes out, and who must agree."""

import random
import secrets
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from packages.office.tests.duplicates.invented import NOON, PAPER, PHONE, areas, as_compared, enrolled, identity, person
from tests.servers.desk import member

from amparo_common.bridge import ExportMade, LogMessage
from amparo_common.clock import FixedClock
from amparo_common.secret import Secret
from amparo_office.desk import public_log
from amparo_office.duplicates import exchange, other_list
from amparo_office.duplicates.compared import Birth, Compared
from amparo_office.duplicates.models import OtherListUse
from amparo_office.errors import OtherListRefused
from amparo_office.register.models import Individual
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval, Decision
from amparo_staff.approvals.service import answer
from amparo_staff.errors import MayNotApprove
from amparo_staff.jobs import files
from amparo_staff.jobs.models import Job, JobFile
from amparo_staff.jobs.service import run_next

SECRET = Secret(bytes(range(32)))
BORN = Birth(1984, 3, 9)


def one(given: str = "María Elena", family: str = "Rojas Peña", born: Birth = BORN, number: int = 1) -> Compared:
    return as_compared(number, identity(given, family, PHONE, PAPER), born=born)


def theirs(*people: Compared) -> list[bytes]:
    return other_list.read(other_list.write(people, SECRET, random.Random(1))[0], SECRET)


def test_the_same_person_is_found_in_another_spelling_and_another_person_is_not() -> None:
    listed = theirs(one(), one("Luis", "Díaz", Birth(1990, 1, 2)))
    assert other_list.matching([one("MARIA ELENA", "Rojas Pena", number=7)], listed, SECRET) == [7]
    assert other_list.matching([one("Rojas Peña", "María Elena", number=7)], listed, SECRET) == [7]
    assert other_list.matching([one("Carmen", "Toro", number=7)], listed, SECRET) == []
    assert other_list.matching([one(born=Birth(2001, 10, 30), number=7)], listed, SECRET) == []


def test_records_that_lack_a_name_or_a_birth_date_are_left_out() -> None:
    lines, count = other_list.write([one(born=Birth()), one("", ""), one()], SECRET, random.Random(1))
    assert (len(lines), count) == (2, 1)
    assert other_list.matching([one(born=Birth(), number=7)], theirs(one()), SECRET) == []


def test_a_file_holds_bits_in_random_order_and_nothing_else() -> None:
    people = [one(given, number=number) for number, given in enumerate(("Ana", "Luis", "Rosa", "Juan"), 1)]
    lines, _ = other_list.write(people, SECRET, random.Random(3))
    again, _ = other_list.write(people, SECRET, random.Random(4))
    assert lines != again
    assert sorted(lines) == sorted(again)
    assert all(len(line) == 173 for line in lines[1:])


def test_a_list_made_with_another_secret_says_nothing_and_is_refused() -> None:
    other = Secret(secrets.token_bytes(32))
    assert other_list.encoded(one(), SECRET) != other_list.encoded(one(), other)
    with pytest.raises(OtherListRefused, match="another secret"):
        other_list.read(other_list.write([one()], other, random.Random(1))[0], SECRET)


@pytest.mark.parametrize(
    "lines",
    [[], [b"{}"], [b"\xff\n"], [b"x" * 500], [b'{"form":"other","version":1,"bits":1024,"check":""}']],
)
def test_a_file_of_another_form_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(OtherListRefused):
        other_list.read(lines, SECRET)


@pytest.mark.parametrize("line", [b"!!!\n", b"AAAA\n", b"=" * 172 + b"\n"])
def test_a_line_of_another_form_is_refused(line: bytes) -> None:
    lines, _ = other_list.write([one()], SECRET, random.Random(1))
    with pytest.raises(OtherListRefused):
        other_list.read([*lines, line], SECRET)


@pytest.mark.parametrize("text", ["", "00" * 32, "ab" * 16, "password", "zz" * 32])
def test_a_weak_secret_is_refused(text: str) -> None:
    with pytest.raises(OtherListRefused):
        other_list.shared_secret(text)


class OpenLog:
    """A public log that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[LogMessage] = []

    def publish(self, body: LogMessage, _key: object) -> int:
        self.said.append(body)
        return len(self.said)


@pytest.fixture
def open_log(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> OpenLog:
    """Sharing is on: a secret is there, and a log to say it in."""
    (own_folder / exchange.SECRET_FILE).write_text(SECRET.reveal().hex())
    monkeypatch.setattr(settings, "SHARING", True, raising=False)
    log = OpenLog()
    monkeypatch.setattr(public_log, "known", lambda: log)
    return log


def asked(kind: str, by: StaffMember, file: JobFile | None = None, area: str = "") -> Approval:
    return exchange.start(kind, agency="red-cross", area=area, file=file, by=by, at=NOON)


def done(approval: Approval) -> Job:
    answer(approval, by=member(Role.VALIDATOR, login="second"), yes=True, why="", at=NOON)
    assert run_next(FixedClock(NOON))
    return Job.objects.get()


def content(job: Job) -> list[str]:
    return b"".join(files.read_pieces(JobFile.objects.get(job=job), at=NOON)).decode().splitlines()


def test_it_is_off_until_the_operator_turns_it_on(
    desk_database: str, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = member(Role.VALIDATOR)
    assert not exchange.is_on()
    with pytest.raises(OtherListRefused, match="off"):
        asked("encode", by)
    (own_folder / exchange.SECRET_FILE).write_text(SECRET.reveal().hex())
    assert not exchange.is_on()
    monkeypatch.setattr(settings, "SHARING", True, raising=False)
    assert exchange.is_on()


def test_encoding_needs_a_second_person_and_the_log_hears_it_before_the_file_is_there(
    desk_database: str, open_log: OpenLog
) -> None:
    enrolled(person(telephone=PHONE, paper=PAPER))
    approval = asked("encode", member(Role.VALIDATOR))
    with pytest.raises(MayNotApprove):
        answer(approval, by=approval.maker, yes=True, why="", at=NOON)
    assert not Job.objects.exists()
    made = done(approval)
    assert made.result == {"records": 1, "matches": 0}
    (said,) = open_log.said
    assert isinstance(said, ExportMade)
    assert (said.programme, said.count, said.identity, said.reason, said.approvals) == (
        "register", 1, False, "another-organisation", 2
    )  # fmt: skip
    lines = content(made)
    assert len(lines) == 2
    ref = Individual.objects.get().ref
    assert not [word for word in ("Rojas", "María", PAPER, PHONE, ref) if word in "\n".join(lines)]
    assert Approval.objects.get().state == Decision.APPROVED


def test_comparing_gives_counts_and_our_own_references(desk_database: str, open_log: OpenLog) -> None:
    enrolled(person())
    enrolled(person("Luis", "Díaz Toro", born=(date(1990, 1, 2) - date(1970, 1, 1)).days))
    by = member(Role.VALIDATOR)
    with files.new_file("list.txt", by=by, at=NOON) as upload:
        for line in other_list.write([one("Maria Elena", "Rojas")], SECRET, random.Random(1))[0]:
            upload.write(line)
    made = done(asked("compare", by, upload.row))
    assert made.result == {"records": 2, "matches": 1}
    assert content(made) == ["ref", Individual.objects.order_by("id")[0].ref]
    assert OtherListUse.objects.get().matches == 1


def test_without_the_log_nothing_is_handed_out(
    desk_database: str, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_log, "known", lambda: None)
    enrolled(person())
    made = done(asked("encode", member(Role.VALIDATOR)))
    assert (made.state, JobFile.objects.exists(), OtherListUse.objects.exists()) == ("failed", False, False)


def test_a_member_of_one_area_cannot_encode_another(desk_database: str, open_log: OpenLog) -> None:
    areas("VE01", "VE02")
    by = member(Role.VALIDATOR, area="VE01")
    for area in ("", "VE02"):
        with pytest.raises(OtherListRefused):
            asked("encode", by, area=area)
    assert asked("encode", by, area="VE01").state == Decision.WAITING


def test_the_page_says_that_it_is_off_or_asks_a_second_person(
    browser: Client, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.force_login(member(Role.VALIDATOR))
    path, said = "/duplicates/other-list/", {"kind": "encode", "agency": "red-cross", "area": ""}
    assert "This is off" in browser.get(path).content.decode()
    assert browser.post(path, said).status_code == 400
    (own_folder / exchange.SECRET_FILE).write_text(SECRET.reveal().hex())
    monkeypatch.setattr(settings, "SHARING", True, raising=False)
    assert 'href="#id_file' in browser.post(path, said | {"kind": "compare"}).content.decode()
    assert not Approval.objects.exists()
    assert browser.post(path, said).status_code == 302
    assert Approval.objects.get().subject["agency"] == "red-cross"
