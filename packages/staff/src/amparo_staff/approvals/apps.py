"""The Django app `approvals`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class ApprovalsConfig(AppConfig):
    """See the package."""

    name = "amparo_staff.approvals"
    label = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the inbox to the navigation."""
        # It uses the tables, which are loaded by now.
        from amparo_staff.layout import navigation

        navigation.add(navigation.Entry(gettext_lazy("Approvals"), "approvals", "jobs.view", "check", order=50))
