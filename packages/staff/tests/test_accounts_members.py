"""Members of staff: adding, roles, disabling; nobody changes themselves, and what decides needs two administrators."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from packages.staff.tests.staff_desk import NOON, PASSWORD, at_once, person, sign_in, standing_clock

from amparo_common.clock import FixedClock
from amparo_staff.accounts import service
from amparo_staff.accounts.models import Grant, OneTimeCode, StaffMember, StaffSession
from amparo_staff.accounts.roles import Role
from amparo_staff.accounts.service import Wanted
from amparo_staff.approvals.models import Approval, Decision
from amparo_staff.approvals.service import answer
from amparo_staff.errors import IncompatibleRoles, MayNotApprove, MayNotChange, RolesChanged
from amparo_staff.trail.models import TrailEntry

REGISTRAR, VALIDATOR = Wanted(Role.REGISTRAR, "SV01"), Wanted(Role.VALIDATOR, "SV01")


@pytest.fixture
def clock() -> Iterator[FixedClock]:
    with standing_clock() as standing:
        yield standing


@pytest.fixture
def office(browser: Client, clock: FixedClock) -> Client:
    """Two administrators; the first one's browser, signed in."""
    person("ana", Role.ADMINISTRATOR)
    person("ben", Role.ADMINISTRATOR)
    browser.force_login(StaffMember.objects.get(login="ana"))
    return browser


def member(login: str) -> StaffMember:
    return StaffMember.objects.get(login=login)


def rows(*wanted: tuple[str, str, str], reason: str = "Works there now.") -> dict[str, str]:
    values = {"roles-TOTAL_FORMS": str(len(wanted)), "roles-INITIAL_FORMS": "0", "reason": reason}
    for place, each in enumerate(wanted):
        values |= {
            f"roles-{place}-{name}": value for name, value in zip(("role", "area", "programme"), each, strict=True)
        }
    return values


# --- adding ------------------------------------------------------------------------------------------------------------


def test_an_administrator_adds_a_member_and_hands_over_a_code_that_chooses_the_password(office: Client) -> None:
    page = office.post("/members/add", {"login": "Carla", "name": "Carla Díaz", "language": "pt"}).content.decode()
    code = page.split('class="secret">')[1].split("<")[0]
    assert member("carla").language == "pt"
    own = Client()
    assert sign_in(own, "carla", code) == 403
    chosen = {"login": "carla", "code": code, "password": PASSWORD, "again": PASSWORD}
    assert own.post("/choose-password", chosen).status_code == 302
    assert own.get("/account").status_code == 200
    assert Client().post("/choose-password", chosen).status_code == 403
    assert sign_in(Client(), "carla") == 302


def test_a_code_is_good_for_one_day_and_for_its_member_only(office: Client, clock: FixedClock) -> None:
    _, code = service.add_member("carla", "Carla", "es", by=member("ana"), at=NOON)
    service.add_member("dora", "Dora", "es", by=member("ana"), at=NOON)
    chosen = {"code": code, "password": PASSWORD, "again": PASSWORD}
    assert Client().post("/choose-password", chosen | {"login": "dora"}).status_code == 403
    clock.set(NOON + timedelta(hours=24))
    assert Client().post("/choose-password", chosen | {"login": "carla"}).status_code == 403
    assert code not in str(list(OneTimeCode.objects.values()))


def test_a_new_code_makes_the_old_one_useless_and_is_given_only_before_the_first_password(office: Client) -> None:
    made, old = service.add_member("carla", "Carla", "es", by=member("ana"), at=NOON)
    page = office.post(f"/members/{made.id}/invite").content.decode()
    code = page.split('class="secret">')[1].split("<")[0]
    chosen = {"login": "carla", "password": PASSWORD, "again": PASSWORD}
    assert Client().post("/choose-password", chosen | {"code": old}).status_code == 403
    assert Client().post("/choose-password", chosen | {"code": code}).status_code == 302
    assert office.post(f"/members/{made.id}/invite").status_code == 403


def test_guessing_codes_makes_wait(office: Client) -> None:
    service.add_member("carla", "Carla", "es", by=member("ana"), at=NOON)
    guess = {"login": "carla", "code": "0000", "password": PASSWORD, "again": PASSWORD}
    pages = [Client().post("/choose-password", guess).content.decode() for _ in range(5)]
    assert "Try again after" in pages[-1]
    assert "Try again after" not in pages[-2]


def test_a_log_in_name_is_given_once(office: Client) -> None:
    answer = office.post("/members/add", {"login": "ANA", "name": "Another", "language": "en"})
    assert answer.status_code == 400
    assert "already" in answer.content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_only_administrators_manage_members(browser: Client, clock: FixedClock, role: Role) -> None:
    browser.force_login(person("eva", role))
    for page in ("/members", "/members/add", f"/members/{member('eva').id}"):
        assert browser.get(page).status_code == 403
    assert browser.get("/roles").status_code == 200


# --- roles -------------------------------------------------------------------------------------------------------------


def test_a_role_that_decides_nothing_is_given_at_once_with_its_scope_and_ends_the_member_s_sessions(
    office: Client,
) -> None:
    person("carla")
    theirs = Client()
    sign_in(theirs, "carla")
    sent = rows(("registrar", "sv01", "bread"), ("", "", ""))
    assert office.post(f"/members/{member('carla').id}/roles", sent)["Location"] == f"/members/{member('carla').id}"
    grant = Grant.objects.get(member__login="carla")
    assert (grant.role, grant.area, grant.programme) == ("registrar", "SV01", "bread")
    assert theirs.get("/account").status_code == 302
    assert TrailEntry.objects.get(action="account.roles-changed").details == {
        "given": "registrar:SV01:bread",
        "taken": "",
    }


@pytest.mark.parametrize("role", ["administrator", "approver", "finance-officer", "validator"])
def test_a_role_that_decides_waits_for_a_second_administrator(office: Client, role: str) -> None:
    carla = person("carla")
    office.post(f"/members/{carla.id}/roles", rows((role, "", "")))
    asked = Approval.objects.get()
    assert not Grant.objects.filter(member=carla).exists()
    with pytest.raises(MayNotApprove):
        answer(asked, by=member("ana"), yes=True, why="", at=NOON)
    answer(asked, by=member("ben"), yes=True, why="I know her.", at=NOON)
    assert Grant.objects.get(member=carla).role == role


def test_taking_a_role_that_decides_waits_for_a_second_administrator_too(office: Client) -> None:
    carla = person("carla", Role.VALIDATOR)
    office.post(f"/members/{carla.id}/roles", rows())
    assert Grant.objects.filter(member=carla).count() == 1
    answer(Approval.objects.get(), by=member("ben"), yes=True, why="", at=NOON)
    assert not Grant.objects.filter(member=carla).exists()


def test_the_only_administrator_appoints_the_second_one_alone_and_no_third(browser: Client, clock: FixedClock) -> None:
    browser.force_login(person("ana", Role.ADMINISTRATOR))
    ben, carla = person("ben"), person("carla")
    browser.post(f"/members/{ben.id}/roles", rows(("administrator", "", "")))
    assert Grant.objects.filter(member=ben).exists()
    browser.post(f"/members/{ben.id}/disable")
    browser.post(f"/members/{carla.id}/roles", rows(("administrator", "", "")))
    assert not Grant.objects.filter(member=carla).exists()
    assert Approval.objects.get().state == Decision.WAITING


def test_nobody_changes_their_own_roles_neither_asking_nor_answering(office: Client) -> None:
    ana, ben = member("ana"), member("ben")
    assert office.get(f"/members/{ana.id}/roles").status_code == 403
    assert office.post(f"/members/{ana.id}/roles", rows(("administrator", "", ""))).status_code == 403
    asked = service.change_roles(ben, [Wanted(Role.ADMINISTRATOR, "SV01")], reason="", by=ana, at=NOON)
    assert asked is not None
    with pytest.raises(MayNotApprove):
        answer(asked, by=ben, yes=True, why="", at=NOON)


def test_an_incompatible_pair_is_refused_with_both_names_also_across_areas(office: Client) -> None:
    carla = person("carla")
    page = office.post(f"/members/{carla.id}/roles", rows(("registrar", "SV01", ""), ("validator", "SV02", "")))
    assert page.status_code == 400
    assert "Registrar and Validator do not go together" in page.content.decode()
    assert not Grant.objects.filter(member=carla).exists()


def test_two_changes_at_once_do_not_bring_an_incompatible_pair_together(desk_database: str, clock: FixedClock) -> None:
    ana, ben, carla = person("ana", Role.ADMINISTRATOR), person("ben", Role.ADMINISTRATOR), person("carla")
    asked = service.change_roles(carla, [VALIDATOR], reason="", by=ana, at=NOON)
    assert asked is not None
    results = at_once(
        [
            lambda: answer(asked, by=ben, yes=True, why="", at=NOON),
            lambda: service.change_roles(carla, [REGISTRAR], reason="", by=ana, at=NOON),
        ]
    )
    held = set(Grant.objects.filter(member=carla).values_list("role", flat=True))
    assert held in ({"registrar"}, {"validator"}, set())
    assert len(held) == 1 or any(isinstance(each, RolesChanged) for each in results)
    with pytest.raises(IncompatibleRoles):
        service.change_roles(carla, [REGISTRAR, VALIDATOR], reason="", by=ana, at=NOON)


def test_an_approval_of_roles_that_changed_meanwhile_does_nothing(office: Client) -> None:
    ana, ben, carla = member("ana"), member("ben"), person("carla")
    asked = service.change_roles(carla, [VALIDATOR], reason="", by=ana, at=NOON)
    service.change_roles(carla, [Wanted(Role.VIEWER)], reason="", by=ana, at=NOON)
    assert asked is not None
    with pytest.raises(RolesChanged):
        answer(asked, by=ben, yes=True, why="", at=NOON)
    asked.refresh_from_db()
    assert asked.state == Decision.WAITING
    assert [grant.role for grant in carla.grants.all()] == [Role.VIEWER]


@pytest.mark.parametrize(("field", "value"), [("area", "SV 01; drop"), ("programme", "Bread Programme!")])
def test_a_scope_of_another_form_is_refused_beside_its_field(office: Client, field: str, value: str) -> None:
    carla = person("carla")
    sent = rows(("registrar", value if field == "area" else "", value if field == "programme" else ""))
    answer = office.post(f"/members/{carla.id}/roles", sent)
    assert answer.status_code == 400
    assert f'id="id_roles-0-{field}_error"' in answer.content.decode()


# --- disabling, enabling -------------------------------------------------------------------------------------------------


def test_a_disabled_member_is_out_at_once_and_cannot_come_back_in(office: Client) -> None:
    carla = person("carla", Role.REGISTRAR)
    theirs = Client()
    sign_in(theirs, "carla")
    assert office.post(f"/members/{carla.id}/disable").status_code == 302
    assert not StaffSession.objects.filter(member=carla).exists()
    assert theirs.get("/account").status_code == 302
    assert sign_in(Client(), "carla") == 403


def test_enabling_who_decides_waits_for_a_second_administrator_and_others_do_not(office: Client) -> None:
    carla, dora = person("carla", Role.REGISTRAR), person("dora", Role.APPROVER)
    for each in (carla, dora):
        office.post(f"/members/{each.id}/disable")
        office.post(f"/members/{each.id}/enable", {"reason": "Back from leave."})
    assert member("carla").is_active
    assert not member("dora").is_active
    answer(Approval.objects.get(), by=member("ben"), yes=True, why="", at=NOON)
    assert member("dora").is_active


def test_an_administrator_does_not_disable_themselves_and_of_two_who_disable_each_other_one_stays(
    desk_database: str, clock: FixedClock
) -> None:
    ana, ben = person("ana", Role.ADMINISTRATOR), person("ben", Role.ADMINISTRATOR)
    with pytest.raises(MayNotChange):
        service.disable(ana, by=ana, at=NOON)
    at_once([lambda: service.disable(ana, by=ben, at=NOON), lambda: service.disable(ben, by=ana, at=NOON)])
    assert StaffMember.objects.filter(is_active=True).count() == 1


def test_an_administrator_without_a_passkey_reaches_only_what_leads_to_one(browser: Client, clock: FixedClock) -> None:
    person("ana", Role.ADMINISTRATOR, passkey=False)
    sign_in(browser, "ana")
    for page in ("/members", "/approvals", "/trail", "/members/add"):
        assert browser.get(page)["Location"] == "/account/passkeys"
    assert "needs a passkey" in browser.get("/account/passkeys").content.decode()
    assert browser.post("/sign-out").status_code == 302


def test_the_list_of_members_is_filtered_by_state_and_role_in_the_address(office: Client) -> None:
    person("carla", Role.REGISTRAR)
    page = office.get("/members?role=registrar&state=active").content.decode()
    assert "Carla" in page
    assert "Ben" not in page
