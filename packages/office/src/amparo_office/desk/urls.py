"""The addresses of the desk. Each app brings its own; none holds personal data."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from amparo_office.desk import views

handler400 = "amparo_staff.layout.faults.bad_request"
handler403 = "amparo_staff.layout.faults.not_allowed"
handler404 = "amparo_staff.layout.faults.not_found"
handler500 = "amparo_staff.layout.faults.failed"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("health", views.health, name="health"),
    path("", include("amparo_staff.layout.urls")),
    path("", include("amparo_staff.accounts.urls")),
    path("", include("amparo_staff.approvals.urls")),
    path("", include("amparo_staff.trail.urls")),
    path("jobs/", include("amparo_staff.jobs.urls")),
    path("register/", include("amparo_office.register.urls")),
    path("", include("amparo_office.intake.urls")),
    path("duplicates/", include("amparo_office.duplicates.urls")),
    path("sheets/", include("amparo_office.packets.urls")),
]

if settings.PRACTICE:
    urlpatterns.append(path("components/", views.components, name="components"))
