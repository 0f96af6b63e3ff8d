"""The tables of possible duplicates, of what was merged, and of the exchange with other lists. No name, number or score stands
here: references, codes, and keyed digests that say nothing without the index key.
"""

from django.db import models

from amparo_office.register.models import Collector, Household, Individual
from amparo_staff.accounts.models import StaffMember


class Verdict(models.TextChoices):
    """What a reviewer said. UNSURE waits for somebody who asks the people."""

    WAITING = "waiting"
    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


class Why(models.TextChoices):
    """Why a reviewer judged as they did. Codes, so that nobody writes about a person into an open field."""

    PAPERS_SEEN = "papers-seen"
    PEOPLE_ASKED = "people-asked"
    TYPED_TWICE = "typed-twice"
    RELATIVES = "relatives"
    SAME_NAME = "same-name"
    NOT_ENOUGH = "not-enough"


class Asked(models.TextChoices):
    """Whom to ask."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


class PossibleDuplicate(models.Model):
    """Two people who may be one. `first` has the smaller number. No score is kept: only which kinds of data agreed. `basis` digests
    what was compared when it was found or judged: while that stays the same, a judged pair stays judged."""

    first = models.ForeignKey(Individual, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Individual, on_delete=models.CASCADE, related_name="+")
    agreed = models.JSONField(default=list)
    basis = models.BinaryField(max_length=32)
    found = models.DateTimeField()
    verdict = models.CharField(max_length=16, choices=Verdict.choices, default=Verdict.WAITING)
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(null=True)
    ask_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+")
    ask_whom = models.CharField(max_length=16, choices=Asked.choices, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="pair_once"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="pair_in_order"),
        ]
        indexes = [models.Index(fields=["verdict", "id"], name="pair_waiting")]


class Judgement(models.Model):
    """One verdict on one pair; the last one counts, all are kept."""

    pair = models.ForeignKey(PossibleDuplicate, on_delete=models.CASCADE, related_name="judgements")
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    why = models.CharField(max_length=16, choices=Why.choices)
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class Compared(models.Model):
    """That a person was compared with everybody, with which data (a keyed digest). Whoever's data changed is compared again."""

    individual = models.OneToOneField(Individual, on_delete=models.CASCADE, primary_key=True, related_name="+")
    digest = models.BinaryField(max_length=16)


class Crowd(models.Model):
    """Many records that look alike: one case instead of a flood of pairs. Mostly a name or number that was filled in for many."""

    found = models.DateTimeField()
    looked_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+")
    looked_at = models.DateTimeField(null=True)


class CrowdMember(models.Model):
    """One record of a crowd. `basis` is the digest of its compared data at that time."""

    crowd = models.ForeignKey(Crowd, on_delete=models.CASCADE, related_name="people")
    individual = models.OneToOneField(Individual, on_delete=models.CASCADE, related_name="+")
    basis = models.BinaryField(max_length=16)


class Merge(models.Model):
    """`other` was merged into `kept`. `members`: ids of those who moved from `source` to `target` with it. Nothing is lost: the
    other record stays as it was, and `undone_at` says that it counts by itself again."""

    kept = models.ForeignKey(Individual, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Individual, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=16)
    source = models.ForeignKey(Household, on_delete=models.CASCADE, null=True, related_name="+")
    target = models.ForeignKey(Household, on_delete=models.CASCADE, null=True, related_name="+")
    members = models.JSONField(default=list)
    why = models.CharField(max_length=16, choices=Why.choices)
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    undone_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["other"], condition=models.Q(undone_at=None), name="merged_once"),
        ]


class MovedMember(models.Model):
    """Where somebody belongs who moved with a merge: the home and relationship to which undoing brings them back. `placed`:
    where the merge put them; whoever was moved by hand since stays there."""

    individual = models.OneToOneField(Individual, on_delete=models.CASCADE, primary_key=True, related_name="+")
    home = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    relationship = models.CharField(max_length=32)
    placed = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")


class MovedCollector(models.Model):
    """Whose turn it is by right to receive for a household, while a merge gave it to the record that was kept (`holder`; nobody
    when both turns would be one person's). `number` is the id of the collector's row."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=Collector.Kind.choices)
    number = models.BigIntegerField()
    individual = models.ForeignKey(Individual, on_delete=models.CASCADE, related_name="+")
    holder = models.ForeignKey(Individual, on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["household", "kind"], name="moved_collector_once")]


class OwnIndex(models.Model):
    """The digests under which a person can be found by their own data (`Individual.searched`), while a merge has given them to the
    record that was kept, or the other way round. `joined` is what the merge wrote into `searched`: a correction writes it anew."""

    individual = models.OneToOneField(Individual, on_delete=models.CASCADE, primary_key=True, related_name="+")
    own = models.BinaryField()
    joined = models.BinaryField()


class Emptied(models.Model):
    """A household that nobody lives in since its members were merged or moved: the state to which undoing brings it back."""

    household = models.OneToOneField(Household, on_delete=models.CASCADE, primary_key=True, related_name="+")
    state = models.CharField(max_length=16)


class OtherListUse(models.Model):
    """One encoding or one comparison with another agency's list: two people, counts, and nothing of anybody."""

    class Kind(models.TextChoices):
        """What was done."""

        ENCODE = "encode"
        COMPARE = "compare"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    agency = models.CharField(max_length=120)
    area = models.CharField(max_length=32, blank=True, default="")
    by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    records = models.PositiveIntegerField(default=0)
    matches = models.PositiveIntegerField(default=0)
