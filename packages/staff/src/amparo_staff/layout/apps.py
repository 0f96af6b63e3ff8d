"""The Django app `layout`."""

from django.apps import AppConfig


class LayoutConfig(AppConfig):
    """See the package."""

    name = "amparo_staff.layout"
    label = "layout"
    default_auto_field = "django.db.models.BigAutoField"
