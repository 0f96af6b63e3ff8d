"""The addresses of this part. They hold numbers of sheets and references of households."""

from django.urls import path

from amparo_office.packets import views

urlpatterns = [
    path("", views.sheets, name="sheets"),
    path("take-in/", views.take_in, name="sheets-take-in"),
    path("refused/", views.refused, name="sheets-refused"),
    path("of/<slug:ref>/", views.sheets_of, name="sheets-of"),
    path("<slug:number>/", views.sheet, name="sheet"),
    path("<slug:number>/strike/", views.strike, name="sheet-strike"),
    path("<slug:number>/order/", views.order, name="sheet-order"),
]
