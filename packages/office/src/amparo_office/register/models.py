"""The register's tables.

A household and a person are a row each: reference, place, state, facts of the catalogue. What identifies somebody (names, numbers,
telephone, address) is one sealed blob under a key of their own, which lies outside this database (`keyring`). Nothing here holds a
coordinate, a free note, a photograph, or when somebody was seen.
"""

from django.db import models

from amparo_staff.accounts.models import StaffMember


class Area(models.Model):
    """An administrative area by its P-code. `names` by language."""

    code = models.CharField(max_length=32, primary_key=True)
    level = models.PositiveSmallIntegerField()
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    names = models.JSONField(default=dict)


class Origin(models.Model):
    """Where facts come from: one import, one form at the desk, one correction. `source` and `day` go into every receipt."""

    class Kind(models.TextChoices):
        """How they came."""

        IMPORT = "import"
        DESK = "desk"
        CORRECTION = "correction"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    source = models.CharField(max_length=200)
    day = models.DateField()
    content_hash = models.CharField(max_length=64, blank=True, default="")
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+")


class RecordState(models.TextChoices):
    """Where a record stands. Who has left keeps their record until its facts' retention has passed; then it is erased."""

    NEW = "new"
    VALIDATED = "validated"
    PAUSED = "paused"
    LEFT = "left"
    MERGED = "merged"


class Record(models.Model):
    """What households and people share. `ref` is shown and said; `facts` are scaled integers by name of the catalogue; `declared`
    gives another origin for single facts (a correction) than the record's own. `key` names the sealing key in the keyring (0: none,
    nothing sealed). `version` grows with every change: two people who change the same record at once do not lose one's work."""

    ref = models.CharField(max_length=16, unique=True)
    state = models.CharField(max_length=16, choices=RecordState.choices, default=RecordState.NEW)
    origin = models.ForeignKey(Origin, on_delete=models.PROTECT, related_name="+")
    # A keyed digest of the identifier in the source (Kobo's _uuid, HOPE's household_id): the same row is never taken twice.
    source_key = models.BinaryField(max_length=16, null=True, unique=True)
    facts = models.JSONField(default=dict)
    declared = models.JSONField(default=dict)
    key = models.BigIntegerField(default=0)
    sealed = models.BinaryField(null=True)
    left_on = models.DateField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True


class Household(Record):
    """People who share dwelling and meals. Sealed: an address in words. `by_phone`: it gets its aid on a phone, not on paper."""

    area = models.ForeignKey(Area, on_delete=models.PROTECT, null=True, related_name="+")
    language = models.CharField(max_length=2, default="es")
    by_phone = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["area", "id"], name="household_area"),
            models.Index(fields=["state", "id"], name="household_state"),
        ]


class Relationship(models.TextChoices):
    """How a member is related to the head (the codes that HOPE's templates use)."""

    HEAD = "HEAD"
    WIFE_HUSBAND = "WIFE_HUSBAND"
    SON_DAUGHTER = "SON_DAUGHTER"
    MOTHER_FATHER = "MOTHER_FATHER"
    BROTHER_SISTER = "BROTHER_SISTER"
    GRANDSON_GRANDDAUGHTER = "GRANDSON_GRANDDAUGHTER"
    GRANDMOTHER_GRANDFATHER = "GRANDMOTHER_GRANDFATHER"
    OTHER = "OTHER"
    NON_BENEFICIARY = "NON_BENEFICIARY"
    UNKNOWN = "UNKNOWN"


class BirthPrecision(models.TextChoices):
    """How much of the fact `birth_date` is known; the rest of it is filled with the middle of what is possible."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


class Individual(Record):
    """A person: a member of a household, or only a collector for one (then without household). Sealed: names, numbers of papers,
    telephone (`sealing.Identity`)."""

    # Its index holds the person's number too, so that the members of many households are read from the index alone.
    household = models.ForeignKey(
        Household, on_delete=models.CASCADE, null=True, related_name="members", db_index=False
    )
    relationship = models.CharField(max_length=32, choices=Relationship.choices, default=Relationship.UNKNOWN)
    birth_precision = models.CharField(max_length=12, choices=BirthPrecision.choices, default=BirthPrecision.UNKNOWN)
    merged_into = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="merged")
    # The digests (8 bytes each) under which `SearchKey` has this person: they go with the person, exactly.
    searched = models.BinaryField(default=b"")

    class Meta:
        indexes = [models.Index(fields=["household", "id"], name="individual_household")]
        constraints = [
            models.UniqueConstraint(
                fields=["household"],
                condition=models.Q(relationship="HEAD", state__in=["new", "validated", "paused"]),
                name="one_head",
            )
        ]


class Collector(models.Model):
    """Who physically receives for a household."""

    class Kind(models.TextChoices):
        """In which turn."""

        PRIMARY = "primary"
        ALTERNATE = "alternate"

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="collectors")
    individual = models.ForeignKey(Individual, on_delete=models.CASCADE, related_name="collects_for")
    kind = models.CharField(max_length=16, choices=Kind.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["household", "kind"], name="collector_once")]


class SearchKind(models.IntegerChoices):
    """What was digested; part of the digest."""

    SOUND = 1
    START = 2
    NUMBER = 3


class SearchKey(models.Model):
    """The blind index: a keyed digest of how a word of a name sounds, of how it begins, or of a whole number, and who has it.
    Without the index key it says nothing; people leave its rows when they are erased (`Individual.searched` says which). Ordered
    by digest, so that a look-up reads one run of rows (migration 0004 makes the table). `individuals`: up to 250 people's numbers,
    ascending, `first_individual` the first of them."""

    pk = models.CompositePrimaryKey("digest", "first_individual")
    digest = models.BigIntegerField()
    first_individual = models.BigIntegerField()
    individuals = models.BinaryField()

    class Meta:
        managed = False
        db_table = "register_searchkey"


class Change(models.Model):
    """One change of a record: which fields, by whom, why, from where. What stood there before and after is sealed under the
    record's own key, so it goes when the person is erased."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, null=True, related_name="changes")
    individual = models.ForeignKey(Individual, on_delete=models.CASCADE, null=True, related_name="changes")
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+")
    origin = models.ForeignKey(Origin, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=32)
    fields = models.JSONField(default=list)
    reason = models.CharField(max_length=200, blank=True, default="")
    sealed = models.BinaryField(null=True)


class Access(models.Model):
    """One reading of one record by a member of staff, or of many at once for a list that leaves (`AccessPage` says of whom): who,
    for which purpose, which kinds of data. The person can ask for it."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, null=True, related_name="accesses")
    individual = models.ForeignKey(Individual, on_delete=models.CASCADE, null=True, related_name="accesses")
    at = models.DateTimeField()
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+")
    purpose = models.CharField(max_length=32)
    kinds = models.JSONField(default=list)
    refused = models.BooleanField(default=False)
    # Of everybody at once, by a machine that shows nothing (the search for duplicates): one row, without a person.
    everybody = models.BooleanField(default=False)


class AccessPage(models.Model):
    """Of whom a reading of many at once was: a bit for each of the 1,024 records from `page * 1024` on (`access_pages`). It says
    nothing of what the list was for, so that no way leads from a person to a programme (R8)."""

    class Kind(models.TextChoices):
        """Numbers of what."""

        HOUSEHOLD = "household"
        INDIVIDUAL = "individual"

    # Not CASCADE: readings of single records, of which there are millions, would no longer be deleted in one statement.
    access = models.ForeignKey(Access, on_delete=models.DO_NOTHING, related_name="pages")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    page = models.BigIntegerField()
    bits = models.BinaryField(max_length=128)

    class Meta:
        indexes = [models.Index(fields=["kind", "page"], name="access_page")]


class KeyToDestroy(models.Model):
    """A record key whose record was erased, until the vault has destroyed it. Written in the transaction that erases, so that a
    crash between the two leaves no key behind for good (`erasure.finish`)."""

    key = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()


class Erased(models.Model):
    """The number of a household or person that was erased. No other row gets it; what other services keep under it (a wallet's key,
    receipts, a card's number) is removed by it, also after an old backup was put back."""

    class Kind(models.TextChoices):
        """Which table."""

        HOUSEHOLD = "household"
        INDIVIDUAL = "individual"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    number = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "number"], name="erased_once")]


class CatalogueEntry(models.Model):
    """A fact that a programme manager proposed beside the catalogue of this release. Used only once it stands in the public log.
    `definition` is the whole entry as JSON (`amparo_rules.catalogue.FactDefinition`)."""

    class State(models.TextChoices):
        """Where it stands."""

        PROPOSED = "proposed"
        APPROVED = "approved"
        PUBLISHED = "published"
        REFUSED = "refused"

    entity = models.CharField(max_length=16)
    name = models.CharField(max_length=64)
    definition = models.TextField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.PROPOSED)
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    log_index = models.PositiveBigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entity", "name"], name="fact_once")]
