"""The trail's table."""

from django.db import models


class TrailEntry(models.Model):
    """One deed of one member. `details` holds codes and counts, never personal data; `hash` covers the entry and the one before.
    Numbers begin at 1 and leave none out."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    member = models.UUIDField(null=True)
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=64, blank=True, default="")
    details = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["at", "number"], name="trail_at"),
            models.Index(fields=["action", "number"], name="trail_action"),
            models.Index(fields=["member", "number"], name="trail_member"),
        ]
