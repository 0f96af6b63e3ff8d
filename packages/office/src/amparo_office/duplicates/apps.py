"""The Django app `duplicates`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DuplicatesConfig(AppConfig):
    """See the package."""

    name = "amparo_office.duplicates"
    label = "duplicates"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the job known and add the entry to the bar."""
        import amparo_office.duplicates.exchange
        import amparo_office.duplicates.work  # noqa: F401 - both register what they do
        from amparo_office.duplicates.forms import REASONS
        from amparo_office.register import said
        from amparo_staff.layout import navigation

        said.add_reasons({code.value: words for code, words in REASONS})
        navigation.add(navigation.Entry(_("Duplicates"), "duplicates-list", "duplicates.judge", "compare", order=40))
