"""The Django app `accounts`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class AccountsConfig(AppConfig):
    """Members of staff."""

    name = "amparo_staff.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what approvals of accounts do, and the navigation."""
        # Both use the tables, which are loaded by now.
        from amparo_staff.accounts import deeds
        from amparo_staff.layout import navigation

        deeds.register()
        navigation.add(navigation.Entry(gettext_lazy("Staff"), "members", "accounts.manage", "shield", order=70))
