"""The twelve roles, what each may do, and which pairs nobody may hold together.

A permission is a text `part.deed`. A view names the one it needs (`amparo_staff.accounts.access.requires`). A role is granted for
an area (a P-code; everything under it) and a programme, or for all ("").
"""

from enum import StrEnum


class Role(StrEnum):
    """The roles that peers' users know, by the code that stands in the database."""

    ADMINISTRATOR = "administrator"
    PROGRAMME_MANAGER = "programme-manager"
    REGISTRAR = "registrar"
    VALIDATOR = "validator"
    APPROVER = "approver"
    FINANCE_OFFICER = "finance-officer"
    RECONCILER = "reconciler"
    GRIEVANCE_OFFICER = "grievance-officer"
    SENSITIVE_GRIEVANCE_OFFICER = "sensitive-grievance-officer"
    SHOP_MANAGER = "shop-manager"
    AUDITOR = "auditor"
    VIEWER = "viewer-without-pii"


# Permission -> the roles that have it. `register.identity` is needed to see a name, a number or any other identity data.
PERMISSIONS: dict[str, frozenset[Role]] = {
    "accounts.manage": frozenset({Role.ADMINISTRATOR}),
    "trail.read": frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
    "approvals.decide": frozenset({Role.APPROVER, Role.VALIDATOR, Role.PROGRAMME_MANAGER, Role.ADMINISTRATOR}),
    "register.view": frozenset(
        {
            Role.PROGRAMME_MANAGER,
            Role.REGISTRAR,
            Role.VALIDATOR,
            Role.APPROVER,
            Role.GRIEVANCE_OFFICER,
            Role.SENSITIVE_GRIEVANCE_OFFICER,
            Role.AUDITOR,
            Role.VIEWER,
        }
    ),
    "register.identity": frozenset(
        {Role.REGISTRAR, Role.VALIDATOR, Role.GRIEVANCE_OFFICER, Role.SENSITIVE_GRIEVANCE_OFFICER}
    ),
    "register.change": frozenset({Role.REGISTRAR, Role.VALIDATOR}),
    "register.erase": frozenset({Role.VALIDATOR}),
    "register.catalogue": frozenset({Role.PROGRAMME_MANAGER}),
    "register.areas": frozenset({Role.ADMINISTRATOR, Role.PROGRAMME_MANAGER}),
    "register.panic": frozenset({Role.ADMINISTRATOR}),
    "intake.import": frozenset({Role.REGISTRAR, Role.VALIDATOR}),
    "intake.export": frozenset({Role.PROGRAMME_MANAGER, Role.VALIDATOR}),
    "duplicates.judge": frozenset({Role.VALIDATOR}),
    "jobs.view": frozenset(set(Role)),
}

# The roles that decide over others' work or others' rights: giving and taking them needs a second administrator.
SENSITIVE = frozenset({Role.ADMINISTRATOR, Role.APPROVER, Role.FINANCE_OFFICER, Role.VALIDATOR})

# Maker, checker and releaser are different people; who reads the trail is no one that it speaks of.
INCOMPATIBLE: frozenset[frozenset[Role]] = frozenset(
    frozenset(pair)
    for pair in (
        (Role.PROGRAMME_MANAGER, Role.APPROVER),
        (Role.PROGRAMME_MANAGER, Role.FINANCE_OFFICER),
        (Role.APPROVER, Role.FINANCE_OFFICER),
        (Role.FINANCE_OFFICER, Role.RECONCILER),
        (Role.REGISTRAR, Role.VALIDATOR),
        (Role.REGISTRAR, Role.APPROVER),
        (Role.ADMINISTRATOR, Role.APPROVER),
        (Role.ADMINISTRATOR, Role.FINANCE_OFFICER),
        (Role.ADMINISTRATOR, Role.AUDITOR),
        *((Role.AUDITOR, each) for each in Role if each not in (Role.AUDITOR, Role.VIEWER)),
    )
)
