"""The Django app `jobs`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy

from amparo_staff.layout import navigation


class JobsConfig(AppConfig):
    """See the package."""

    name = "amparo_staff.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the entry of the navigation."""
        navigation.add(navigation.Entry(gettext_lazy("Work in progress"), "jobs", "jobs.view", "work", order=60))
