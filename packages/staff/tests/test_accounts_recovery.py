"""Recovery by two administrators: a code, shown once to the second of them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from packages.staff.tests.staff_desk import NOON, PASSWORD, at_once, person, sign_in, standing_clock

from amparo_common.clock import FixedClock
from amparo_staff.accounts import codes, service
from amparo_staff.accounts.models import OneTimeCode, StaffMember, StaffSession
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import answer
from amparo_staff.errors import BadCode, MayNotApprove, MayNotChange

NEW = "nine quiet bicycles"


@pytest.fixture
def clock() -> Iterator[FixedClock]:
    with standing_clock() as standing:
        yield standing


@pytest.fixture
def office(desk_database: str, clock: FixedClock) -> dict[str, StaffMember]:
    """Three administrators, and Carla, who lost everything."""
    made = {login: person(login, Role.ADMINISTRATOR) for login in ("ana", "ben", "eva")}
    return made | {"carla": person("carla", Role.REGISTRAR, passkey=True)}


def approved(office: dict[str, StaffMember]) -> Approval:
    asked = service.ask_recovery(office["carla"], reason="Lost her telephone.", by=office["ana"], at=NOON)
    return answer(asked, by=office["ben"], yes=True, why="She sits here.", at=NOON)


def test_two_administrators_give_a_member_a_new_start(office: dict[str, StaffMember]) -> None:
    lost = Client()
    StaffSession.objects.create(member=office["carla"], session_key="old", began=NOON, seen=NOON)
    first, second = Client(), Client()
    first.force_login(office["ana"])
    second.force_login(office["ben"])
    carla = office["carla"].id
    where = first.post(f"/members/{carla}/recover", {"reason": "Lost her telephone."})["Location"]
    assert first.post(where, {"answer": "yes", "why": "I ask myself."}).status_code == 403
    assert second.post(where, {"answer": "yes", "why": "She sits here."}).status_code == 302
    onward = f"/recovery/{where.rpartition('/')[2]}"
    assert onward in second.get(where).content.decode()
    assert onward not in first.get(where).content.decode()
    assert first.post(onward).status_code == 403
    code = second.post(onward).content.decode().split('class="secret">')[1].split("<")[0]
    assert second.post(onward).status_code == 403
    assert onward not in second.get(where).content.decode()
    chosen = {"login": "carla", "code": code, "password": NEW, "again": NEW}
    assert lost.post("/choose-password", chosen).status_code == 302
    assert not office["carla"].passkeys.exists()
    assert not StaffSession.objects.filter(session_key="old").exists()
    assert sign_in(Client(), "carla") == 403
    assert sign_in(Client(), "carla", NEW) == 302
    assert Client().post("/choose-password", chosen).status_code == 403


def test_nobody_recovers_their_own_account_neither_asking_nor_answering_nor_seeing_the_code(
    office: dict[str, StaffMember],
) -> None:
    ana, ben, eva = office["ana"], office["ben"], office["eva"]
    with pytest.raises(MayNotChange):
        service.ask_recovery(ana, reason="", by=ana, at=NOON)
    asked = service.ask_recovery(ben, reason="", by=ana, at=NOON)
    with pytest.raises(MayNotApprove):
        answer(asked, by=ben, yes=True, why="", at=NOON)
    answer(asked, by=eva, yes=True, why="", at=NOON)
    for other in (ana, ben, office["carla"]):
        with pytest.raises(MayNotChange):
            service.recovery_code(asked, by=other, at=NOON)
    assert service.recovery_code(asked, by=eva, at=NOON)


def test_without_the_second_yes_there_is_no_code(office: dict[str, StaffMember]) -> None:
    asked = service.ask_recovery(office["carla"], reason="", by=office["ana"], at=NOON)
    for each in office.values():
        with pytest.raises(MayNotChange):
            service.recovery_code(asked, by=each, at=NOON)
    answer(asked, by=office["ben"], yes=False, why="I do not know her voice.", at=NOON)
    with pytest.raises(MayNotChange):
        service.recovery_code(asked, by=office["ben"], at=NOON)


def test_the_code_is_shown_once_also_when_two_tabs_ask_at_once(office: dict[str, StaffMember]) -> None:
    asked = approved(office)
    results = at_once([lambda: service.recovery_code(asked, by=office["ben"], at=NOON)] * 3)
    assert sorted(type(each).__name__ for each in results) == ["MayNotChange", "MayNotChange", "str"]
    assert OneTimeCode.objects.filter(approval=asked.id).count() == 1


def test_the_code_is_kept_as_a_digest_and_is_good_for_a_day_from_when_it_is_shown_within_a_day(
    office: dict[str, StaffMember],
) -> None:
    asked = approved(office)
    with pytest.raises(MayNotChange):
        service.recovery_code(asked, by=office["ben"], at=NOON + timedelta(hours=24))
    code = service.recovery_code(asked, by=office["ben"], at=NOON + timedelta(hours=1))
    assert code not in str(list(OneTimeCode.objects.values()))
    late = NOON + timedelta(hours=25)
    with pytest.raises(BadCode):
        service.choose_password("carla", code, NEW, at=late)
    assert service.choose_password("carla", code, NEW, at=late - timedelta(seconds=1))


def test_a_second_recovery_makes_the_first_code_useless_and_does_not_show_it_again(
    office: dict[str, StaffMember],
) -> None:
    first, second = approved(office), approved(office)
    old = service.recovery_code(first, by=office["ben"], at=NOON)
    new = service.recovery_code(second, by=office["ben"], at=NOON)
    with pytest.raises(MayNotChange):
        service.recovery_code(first, by=office["ben"], at=NOON)
    with pytest.raises(BadCode):
        service.choose_password("carla", old, NEW, at=NOON)
    assert service.choose_password("carla", new, NEW, at=NOON)


def test_a_disabled_account_is_not_recovered(office: dict[str, StaffMember]) -> None:
    asked = approved(office)
    code = service.recovery_code(asked, by=office["ben"], at=NOON)
    service.disable(office["carla"], by=office["ana"], at=NOON)
    assert (
        Client().post("/choose-password", {"login": "carla", "code": code, "password": NEW, "again": NEW}).status_code
        == 403
    )


def test_codes_are_read_as_people_write_them() -> None:
    assert codes.digest("ilo0-1234-abcd-efgh") == codes.digest(" 1100 1234 ABCD EFGH ")
    assert codes.digest("1100-1234-ABCD-EFGH") != codes.digest("1100-1234-ABCD-EFGJ")
    assert PASSWORD != NEW
