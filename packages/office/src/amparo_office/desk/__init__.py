"""The staff's workplace: the Django project that joins the apps of `amparo_staff` and of this package."""
