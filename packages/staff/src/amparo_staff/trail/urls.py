"""The addresses of the trail."""

from django.urls import path

from amparo_staff.trail import views

urlpatterns = [path("trail", views.trail, name="trail")]
