"""The Django app `trail`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class TrailConfig(AppConfig):
    """See the package."""

    name = "amparo_staff.trail"
    label = "trail"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the page to the navigation."""
        # It uses the tables, which are loaded by now.
        from amparo_staff.layout import navigation

        navigation.add(navigation.Entry(gettext_lazy("Trail"), "trail", "trail.read", "book", order=80))
