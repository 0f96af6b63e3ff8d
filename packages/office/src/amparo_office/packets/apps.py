"""The Django app `packets`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PacketsConfig(AppConfig):
    """See the package."""

    name = "amparo_office.packets"
    label = "packets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the approval and the job known and add the entry to the bar."""
        import amparo_office.packets.service
        import amparo_office.packets.work  # noqa: F401 - both register what they do
        from amparo_staff.layout import navigation

        navigation.add(navigation.Entry(_("Sheets"), "sheets", "register.view", "file", order=45))
