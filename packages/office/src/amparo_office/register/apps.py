"""The Django app `register`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy

from amparo_staff.layout import navigation
from amparo_staff.layout.navigation import Entry


class RegisterConfig(AppConfig):
    """See the package."""

    name = "amparo_office.register"
    label = "register"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Its entries in the bar at the top; its jobs and approvals become known to whoever runs them."""
        # They need the models, which are read before this.
        from amparo_office.register import bulk_state, catalogue, erasure, publishing, retention, views_erase

        del bulk_state, catalogue, erasure, publishing, retention, views_erase
        navigation.add(Entry(gettext_lazy("Register"), "register-list", "register.view", "people", order=20))
        navigation.add(Entry(gettext_lazy("Facts"), "register-catalogue", "register.catalogue", "book", order=60))
        navigation.add(Entry(gettext_lazy("Emergency"), "register-panic", "register.panic", "warn", order=95))
