"""Fills an empty desk with the invented district. Safe to repeat: what is there already is left as it is."""

import io
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
from django.db import transaction

from amparo.district.people import AREAS, TODAY, households, import_to_mend
from amparo_office.intake import service
from amparo_office.register import needs
from amparo_office.register.models import Area, Household, Individual, Origin
from amparo_office.register.service import enrol_many, make_origin
from amparo_service.keys import file_once
from amparo_staff.accounts.models import Grant, StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.jobs.service import add

SEED = 7
PASSWORD_FILE = "practice-password"
# One registrar sees one village only, to show that a role has its area.
VILLAGE_REGISTRAR = "registrar-el-olivo"


class District(msgspec.Struct, frozen=True):
    """What is in the desk: how many, who can sign in, and with which password (the same for all of these invented members)."""

    households: int
    individuals: int
    logins: list[str]
    password: str


def build(folder: Path, *, count: int, at: datetime, progress: Callable[[int], None]) -> District:
    """Areas, members, people, a first search for duplicates, and an import that waits to be mended."""
    # Made for this folder alone: no installation has a password that somebody else knows.
    password = file_once(folder / PASSWORD_FILE, lambda: secrets.token_urlsafe(12).encode()).decode()
    with transaction.atomic():
        for code, parent, names in AREAS:
            Area.objects.get_or_create(
                code=code, defaults={"level": (len(code) - 2) // 2, "parent_id": parent or None, "names": names}
            )
        members = [_member(role.value, role, password) for role in Role]
        members.append(_member(VILLAGE_REGISTRAR, Role.REGISTRAR, password, area="XA0101"))
    registrar = StaffMember.objects.get(login=Role.REGISTRAR.value)
    if not Household.objects.exists():
        with transaction.atomic():
            origin = make_origin(Origin.Kind.DESK, source="Invented district", day=TODAY, by=registrar)
            enrol_many(
                households(SEED, count), origin=origin, by=registrar, at=at, needed=needs.needed(at), progress=progress
            )
            add("duplicates.find", {}, by=None, at=at)
        upload = ("el-olivo.csv", io.BytesIO(import_to_mend(SEED)))
        service.receive("El Olivo, segunda visita", [upload], by=registrar, at=at)
    return District(
        households=Household.objects.count(),
        individuals=Individual.objects.count(),
        logins=[member.login for member in members],
        password=password,
    )


def _member(login: str, role: Role, password: str, *, area: str = "") -> StaffMember:
    member = StaffMember.objects.filter(login=login).first()
    if member is None:
        member = StaffMember(login=login, name=login.replace("-", " ").capitalize(), language="es")
        member.set_password(password)
        member.save(force_insert=True)
        Grant.objects.create(member=member, role=role.value, area=area)
    return member
