"""The addresses of jobs."""

from django.urls import path

from amparo_staff.jobs import views

urlpatterns = [
    path("", views.job_list, name="jobs"),
    path("<uuid:job_id>", views.job_page, name="job"),
    path("<uuid:job_id>/cancel", views.job_cancel, name="job-cancel"),
    path("<uuid:job_id>/retry", views.job_retry, name="job-retry"),
    path("<uuid:job_id>/events", views.job_events, name="job-events"),
    path("files/<uuid:file_id>", views.job_file, name="job-file"),
]
