"""The Django app `desk`: the pages that join the others."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy

from amparo_staff.layout import navigation


class DeskConfig(AppConfig):
    """Home page and navigation."""

    name = "amparo_office.desk"
    label = "desk"

    def ready(self) -> None:
        """Add the entry of the navigation; the job becomes known to whoever runs it."""
        # It needs the tables, which are read before this.
        from amparo_office.desk import anchoring

        del anchoring
        navigation.add(navigation.Entry(gettext_lazy("Start"), "home", "jobs.view", "home", order=0))
