"""The table of approvals."""

import uuid

from django.db import models

from amparo_staff.accounts.models import StaffMember


class Decision(models.TextChoices):
    """Where an approval stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Approval(models.Model):
    """Something that needs a second person. `subject` says what exactly, in references and counts, never personal data; what is
    carried out is what stood there when it was asked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64)
    subject = models.JSONField()
    reason = models.CharField(max_length=500)
    maker = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    asked = models.DateTimeField()
    needed = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=16, choices=Decision.choices, default=Decision.WAITING)
    decided = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "asked"], name="approval_waiting"),
            models.Index(fields=["maker", "asked"], name="approval_maker"),
        ]


class Vote(models.Model):
    """One colleague's answer."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="votes")
    member = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    yes = models.BooleanField()
    why = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["approval", "member"], name="vote_once")]
