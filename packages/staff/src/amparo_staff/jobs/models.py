"""The tables of jobs and of the files they read and make."""

import uuid

from django.db import models

from amparo_staff.accounts.models import StaffMember


class State(models.TextChoices):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(models.Model):
    """One piece of long work. `argument` and `result` hold references and counts, never personal data; files lie sealed in the job
    folder (`jobs.files`). `beat` is when its worker last said that it lives; `turn` names that worker's turn, so that one that was
    given up cannot end what another began anew."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64)
    argument = models.JSONField(default=dict)
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    added = models.DateTimeField()
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    beat = models.DateTimeField(null=True)
    turn = models.CharField(max_length=32, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    cancel_asked = models.BooleanField(default=False)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_words = models.CharField(max_length=500, blank=True, default="")
    result = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "added"], name="job_waiting"),
            models.Index(fields=["by", "-added", "id"], name="job_of_member"),
        ]


class JobFile(models.Model):
    """A sealed file in the job folder. `salt` is half of its key: without this row nobody reads the file, not even from a backup of
    the folder. `name` is what the member's computer calls it: a word of ours, never what was uploaded."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="files")
    salt = models.BinaryField(max_length=32)
    size = models.PositiveBigIntegerField(default=0)
    added = models.DateTimeField()
    expires = models.DateTimeField(db_index=True)
