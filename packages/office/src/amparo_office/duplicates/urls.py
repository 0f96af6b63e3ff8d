"""The addresses of this part; they hold our own numbers only."""

from django.urls import path

from amparo_office.duplicates import views

urlpatterns = [
    path("", views.duplicates_list, name="duplicates-list"),
    path("look/", views.look, name="duplicates-look"),
    path("of-job/<uuid:job_id>/", views.of_job, name="duplicates-of-job"),
    path("pairs/<int:number>/", views.pair, name="duplicates-pair"),
    path("merges/", views.merges, name="duplicates-merges"),
    path("merges/<int:number>/undo/", views.undo, name="duplicates-undo"),
    path("crowds/", views.crowds, name="duplicates-crowds"),
    path("crowds/<int:number>/", views.crowd, name="duplicates-crowd"),
    path("other-list/", views.other_list, name="duplicates-other"),
]
