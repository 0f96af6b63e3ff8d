"""The one table of voucher sheets. It says which packet is whose, and nothing of what is in it."""

from django.db import models

from amparo_office.register.models import Household


class Packet(models.Model):
    """A closed sheet for a household, by the number on its outside. Kept until its vouchers end, then gone: no history of what a
    household received stays."""

    class State(models.TextChoices):
        """STRUCK: two people agreed that it is lost; its successor is for the same household."""

        OUT = "out"
        STRUCK = "struck"

    number = models.CharField(max_length=12, primary_key=True)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    until = models.DateField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OUT)
    successor = models.CharField(max_length=12, unique=True, null=True)
    approval = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["until"], name="packet_until")]
