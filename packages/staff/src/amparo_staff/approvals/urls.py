"""The addresses of approvals."""

from django.urls import path

from amparo_staff.approvals import views

urlpatterns = [
    path("approvals", views.approvals, name="approvals"),
    path("approvals/<uuid:approval_id>", views.approval, name="approval"),
    path("approvals/<uuid:approval_id>/cancel", views.cancel, name="approval-cancel"),
]
