"""The twelve roles: who sees whom, and what never goes together."""

from itertools import combinations

import pytest

from amparo_staff.accounts.role_words import role_deeds, role_name
from amparo_staff.accounts.roles import INCOMPATIBLE, PERMISSIONS, SENSITIVE, Role
from amparo_staff.accounts.service import Wanted, check_compatible, needs_second
from amparo_staff.errors import IncompatibleRoles

# Permissions whose pages show identity. A new one belongs here or among those that show none.
SHOWING_IDENTITY = {
    "register.identity",
    "register.change",
    "register.erase",
    "intake.import",
    "duplicates.judge",
}
SHOWING_NONE = {
    "accounts.manage",
    "trail.read",
    "approvals.decide",
    "register.view",
    "register.catalogue",
    "register.areas",
    "register.panic",
    "jobs.view",
    "intake.export",  # a file holds identity only where its maker also has `register.identity`
}
MAKERS = {Role.PROGRAMME_MANAGER, Role.REGISTRAR}
CHECKERS = {Role.APPROVER}
RELEASERS = {Role.FINANCE_OFFICER}


def holders(permission: str) -> frozenset[Role]:
    return PERMISSIONS[permission]


def test_there_are_twelve_roles_and_each_is_explained() -> None:
    assert len(Role) == 12
    words = [role_name(role) for role in Role] + [role_deeds(role) for role in Role]
    assert len(set(words)) == 24
    assert all(words)


def test_every_permission_says_whether_it_shows_identity() -> None:
    assert set(PERMISSIONS) == SHOWING_IDENTITY | SHOWING_NONE


def test_no_role_without_identity_has_a_permission_that_shows_it() -> None:
    seeing = holders("register.identity")
    for permission in SHOWING_IDENTITY:
        assert holders(permission) <= seeing


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_viewer_and_auditor_have_no_permission_that_shows_identity_or_changes_anything(role: Role) -> None:
    held = {permission for permission, roles in PERMISSIONS.items() if role in roles}
    assert held
    assert held <= {"register.view", "trail.read", "jobs.view"}


def test_maker_checker_and_releaser_are_never_one_person() -> None:
    for first, second in ((MAKERS, CHECKERS), (MAKERS & {Role.PROGRAMME_MANAGER}, RELEASERS), (CHECKERS, RELEASERS)):
        for one in first:
            for other in second:
                assert frozenset({one, other}) in INCOMPATIBLE
    assert frozenset({Role.REGISTRAR, Role.VALIDATOR}) in INCOMPATIBLE
    assert frozenset({Role.FINANCE_OFFICER, Role.RECONCILER}) in INCOMPATIBLE


def test_the_auditor_holds_no_role_that_the_trail_speaks_of() -> None:
    for role in set(Role) - {Role.AUDITOR, Role.VIEWER}:
        assert frozenset({Role.AUDITOR, role}) in INCOMPATIBLE


@pytest.mark.parametrize("pair", list(combinations(Role, 2)), ids=lambda pair: "+".join(pair))
def test_a_pair_is_refused_across_scopes_when_it_is_incompatible_and_only_then(pair: tuple[Role, Role]) -> None:
    wanted = [Wanted(pair[0], "SV01", "bread"), Wanted(pair[1], "SV02", "milk")]
    if frozenset(pair) not in INCOMPATIBLE:
        assert check_compatible(wanted) is None  # type: ignore[func-returns-value] # that it raises nothing is the point
        return
    with pytest.raises(IncompatibleRoles) as refused:
        check_compatible(wanted)
    assert set(refused.value.pair) == set(pair)


def test_the_roles_that_decide_need_a_second_administrator_when_given_and_when_taken() -> None:
    for role in Role:
        grant = {Wanted(role, "SV01")}
        assert needs_second(set(), grant, administrators=2) == (role in SENSITIVE)
        assert needs_second(grant, set(), administrators=2) == (role in SENSITIVE)


def test_a_wider_area_for_a_role_that_decides_needs_a_second_administrator_too() -> None:
    narrow, wide = {Wanted(Role.VALIDATOR, "SV01")}, {Wanted(Role.VALIDATOR)}
    assert needs_second(narrow, wide, administrators=2)


def test_the_only_administrator_appoints_one_more_alone_and_nothing_else() -> None:
    second = {Wanted(Role.ADMINISTRATOR)}
    assert not needs_second(set(), second, administrators=1)
    assert needs_second(set(), second | {Wanted(Role.VALIDATOR)}, administrators=1)
    assert needs_second(set(), {Wanted(Role.VALIDATOR)}, administrators=1)
    assert needs_second(second, set(), administrators=1)
    assert needs_second(set(), second, administrators=2)
