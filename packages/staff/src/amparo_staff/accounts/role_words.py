"""The roles in words: what each is called and what it may do, for members of staff."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amparo_staff.accounts.roles import Role

_NAMES: dict[Role, Promise] = {
    Role.ADMINISTRATOR: _("Administrator"),
    Role.PROGRAMME_MANAGER: _("Programme manager"),
    Role.REGISTRAR: _("Registrar"),
    Role.VALIDATOR: _("Validator"),
    Role.APPROVER: _("Approver"),
    Role.FINANCE_OFFICER: _("Finance officer"),
    Role.RECONCILER: _("Reconciler"),
    Role.GRIEVANCE_OFFICER: _("Complaints officer"),
    Role.SENSITIVE_GRIEVANCE_OFFICER: _("Officer for sensitive complaints"),
    Role.SHOP_MANAGER: _("Shop manager"),
    Role.AUDITOR: _("Auditor"),
    Role.VIEWER: _("Viewer without personal data"),
}

_DEEDS: dict[Role, Promise] = {
    Role.ADMINISTRATOR: _("Adds members of staff and gives them roles. Sees no names of people in the register."),
    Role.PROGRAMME_MANAGER: _("Sets up programmes and facts, asks for exports. Sees counts, no names."),
    Role.REGISTRAR: _("Enrols households, corrects them and imports files. Sees names."),
    Role.VALIDATOR: _("Checks records, judges possible duplicates, erases a person. Sees names."),
    Role.APPROVER: _("Says yes or no to payments that others prepared. Sees no names."),
    Role.FINANCE_OFFICER: _("Releases approved payments. Sees sums, no names."),
    Role.RECONCILER: _("Compares what was sent with what arrived. Sees sums, no names."),
    Role.GRIEVANCE_OFFICER: _("Answers complaints. Sees names."),
    Role.SENSITIVE_GRIEVANCE_OFFICER: _("Answers complaints about harm or abuse. Sees names."),
    Role.SHOP_MANAGER: _("Invites shops and sets their limits. Sees nobody of the register."),
    Role.AUDITOR: _("Reads the trail of all deeds and all counts. Changes nothing, sees no names."),
    Role.VIEWER: _("Looks at counts and records without names. Changes nothing."),
}


def role_name(role: Role) -> str:
    """What a role is called."""
    return str(_NAMES[role])


def role_deeds(role: Role) -> str:
    """What a role may do, in plain words."""
    return str(_DEEDS[role])
