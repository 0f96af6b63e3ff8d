"""Members of staff, the roles they were given, and what proves that it is them.

Nothing here says from which address or with which browser somebody signed in."""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from amparo_staff.accounts.roles import PERMISSIONS, Role


class StaffManager(BaseUserManager["StaffMember"]):
    """Finds members by their log-in name."""


class StaffMember(AbstractBaseUser):
    """Somebody who works for the programme. `login` is what they type; it is never shown to anybody they serve."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    login = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=2, default="es")
    is_active = models.BooleanField(default=True)

    objects = StaffManager()

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS = ["name"]

    def may(self, permission: str) -> bool:
        """Whether one of this member's roles has the permission, in some area."""
        return bool(PERMISSIONS[permission] & {Role(grant.role) for grant in self.held()})

    def areas(self, permission: str) -> list[str]:
        """The areas (P-codes) in which the member may; [""] is everywhere, [] nowhere."""
        roles = PERMISSIONS[permission]
        found = {grant.area for grant in self.held() if Role(grant.role) in roles}
        return [""] if "" in found else sorted(found)

    def held(self) -> list["Grant"]:
        """The member's roles, read once a request."""
        known: list[Grant] | None = getattr(self, "_held", None)
        if known is None:
            known = list(self.grants.all())
            self._held = known
        return known


class Grant(models.Model):
    """One role of one member, for an area and what lies in it, and for a programme; "" is all."""

    member = models.ForeignKey(StaffMember, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=32, choices=[(role.value, role.value) for role in Role])
    area = models.CharField(max_length=32, blank=True, default="")
    programme = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "role", "area", "programme"], name="grant_once")]


class Passkey(models.Model):
    """One passkey of a member. `credential` is the SHA-256 of its id in hex, `data` the id and public key as WebAuthn writes them
    (attested credential data), `counter` the last signature counter that it told."""

    member = models.ForeignKey(StaffMember, on_delete=models.CASCADE, related_name="passkeys")
    credential = models.CharField(max_length=64, unique=True)
    data = models.BinaryField()
    counter = models.BigIntegerField(default=0)
    label = models.CharField(max_length=60)
    added = models.DateTimeField()
    used = models.DateTimeField(null=True)


class OneTimeCode(models.Model):
    """A code that works once: only its keyed digest is kept. `approval` is the approval that allowed it."""

    class Purpose(models.TextChoices):
        """What a code is good for."""

        FIRST = "first"
        INVITATION = "invitation"
        RECOVERY = "recovery"
        SECOND_FACTOR = "second-factor"

    digest = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    member = models.ForeignKey(StaffMember, on_delete=models.CASCADE, null=True, related_name="codes")
    approval = models.UUIDField(null=True, unique=True)
    made = models.DateTimeField()
    expires = models.DateTimeField(null=True)
    used = models.DateTimeField(null=True)


class WrongTries(models.Model):
    """How often in a row a sign-in was wrong, for a log-in name that exists or does not. `key` is a keyed digest of that name; rows
    are forgotten after a day."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    last = models.DateTimeField()
    until = models.DateTimeField(null=True)


class StaffSession(models.Model):
    """One sign-in that lasts. Its row is its life: without it the cookie opens nothing."""

    class How(models.TextChoices):
        """By what somebody signed in."""

        PASSWORD = "password"
        PASSKEY = "passkey"
        CODE = "code"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(StaffMember, on_delete=models.CASCADE, related_name="sessions")
    session_key = models.CharField(max_length=40, unique=True)
    began = models.DateTimeField()
    seen = models.DateTimeField()
    how = models.CharField(max_length=16, choices=How.choices, default=How.PASSWORD)
