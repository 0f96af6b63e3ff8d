"""The tables of imports and exports. No value of any file stands here: files, examples and faults lie sealed in the desk's folder
(`storing`), and go when the import is merged, cancelled or seven days old."""

from uuid import UUID

from django.db import models

from amparo_staff.accounts.models import StaffMember

# No job and no approval has this number.
NONE = UUID(int=0)


class Mapping(models.Model):
    """A remembered mapping: for a file with these columns, which column is read as what. `columns_hash` is of the column names,
    sorted; `text` is the JSON of `plan.Plan`."""

    name = models.CharField(max_length=120)
    columns_hash = models.CharField(max_length=64, unique=True)
    text = models.TextField()
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class ImportState(models.TextChoices):
    """Where an import stands (the words of HOPE, without its merging steps: here one commit takes all or nothing)."""

    UPLOADED = "uploaded"
    MAPPING = "mapping"
    CHECKING = "checking"
    REFUSED_ROWS = "refused-rows"
    READY = "ready"
    COMMITTING = "committing"
    MERGED = "merged"
    CANCELLED = "cancelled"


class Import(models.Model):
    """One upload on its way into the register: one file, or two (households and people). `content_hash` is of the files' bytes,
    `plan` the mapping as it was used. `new` households would be taken in, `known` are in the register already, `left_out` were
    not approved where they were collected. `files` holds the ids of the sealed files by what they are (`storing`). `job` is the job
    that works on it now, or did last."""

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16)
    content_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=ImportState.choices, default=ImportState.UPLOADED)
    mapping = models.ForeignKey(Mapping, on_delete=models.SET_NULL, null=True, related_name="+")
    plan = models.TextField(blank=True, default="")
    source = models.CharField(max_length=120, blank=True, default="")
    day = models.DateField(null=True)
    files = models.JSONField(default=dict)
    job = models.UUIDField(null=True)
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    rows = models.PositiveIntegerField(default=0)
    households = models.PositiveIntegerField(default=0)
    individuals = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    fault_count = models.PositiveIntegerField(default=0)
    in_order = models.BooleanField(default=True)
    merged = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["content_hash"], name="import_content"),
            models.Index(fields=["state", "at"], name="import_state"),
        ]


class UpdateState(models.TextChoices):
    """Where an update of many records by a file stands. One with faults changes nothing."""

    CHECKING = "checking"
    FAULTY = "faulty"
    READY = "ready"
    ASKED = "asked"
    WRITING = "writing"
    DONE = "done"
    CANCELLED = "cancelled"


class Update(models.Model):
    """One file that changes records of the register: a reference in each row, and what is to stand there. `people`: its rows are
    people, not households. `changing` records would change, `same` stand as the file says already; `counts` says how many change
    in which field. `approval` is the second person's, for many. `files` and `job` as for an import."""

    name = models.CharField(max_length=120)
    reason = models.CharField(max_length=200)
    people = models.BooleanField()
    content_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=UpdateState.choices, default=UpdateState.CHECKING)
    files = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    approval = models.UUIDField(null=True)
    job = models.UUIDField(null=True)
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    rows = models.PositiveIntegerField(default=0)
    changing = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    fault_count = models.PositiveIntegerField(default=0)
    done = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["by", "at"], name="update_by")]


class ExportState(models.TextChoices):
    """Where an export stands."""

    ASKED = "asked"
    WRITING = "writing"
    READY = "ready"
    REFUSED = "refused"
    ERASED = "erased"


class Export(models.Model):
    """One list that leaves the register. `asked` is the filter as codes and dates (`register.forms_filter`), `programme` "" for the
    register's own references. `count` is what was counted when it was asked for; `reason` a code of `exporting.REASONS`. The file
    lies sealed for a day."""

    programme = models.CharField(max_length=64, blank=True, default="")
    form = models.CharField(max_length=8)
    people = models.BooleanField(default=False)
    identity = models.BooleanField(default=False)
    asked = models.JSONField(default=dict)
    reason = models.CharField(max_length=32)
    count = models.PositiveIntegerField()
    rows = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=16, choices=ExportState.choices, default=ExportState.ASKED)
    approval = models.UUIDField(null=True)
    job = models.UUIDField(null=True)
    logged = models.BigIntegerField(null=True)
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
