"""The Django app `intake`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy

from amparo_staff.layout import navigation
from amparo_staff.layout.navigation import Entry


class IntakeConfig(AppConfig):
    """See the package."""

    name = "amparo_office.intake"
    label = "intake"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Its entries in the bar at the top; its jobs and approvals become known to whoever runs them."""
        # They need the models, which are read before this.
        from amparo_office.intake import checking, exporting, looking, update_steps

        del checking, exporting, looking, update_steps
        navigation.add(Entry(gettext_lazy("Imports"), "imports", "intake.import", "bring-in", order=30))
        navigation.add(Entry(gettext_lazy("Areas"), "areas", "register.areas", "globe", order=65))
        navigation.add(Entry(gettext_lazy("Lists"), "exports", "intake.export", "take-out", order=40))
