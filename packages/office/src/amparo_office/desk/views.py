"""The pages that join the others."""

from django import forms
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_GET

from amparo_office.desk import place
from amparo_staff.accounts.access import public, signed_in


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Where a member begins."""
    return render(request, "desk/home.html")


@public
@require_GET
def health(_request: HttpRequest) -> HttpResponse:
    """Whether the desk works, for whoever watches over it. Says nothing of its content."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"service": "desk", "practice": place.practice()})


class ComponentForm(forms.Form):
    """Every kind of field."""

    word = forms.CharField(
        label=gettext_lazy("A word"), help_text=gettext_lazy("As it is written on paper."), max_length=20
    )
    number = forms.IntegerField(label=gettext_lazy("A number"), min_value=1, max_value=99)
    day = forms.DateField(label=gettext_lazy("A day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.ChoiceField(
        label=gettext_lazy("A choice"), choices=[("a", gettext_lazy("One")), ("b", gettext_lazy("Two"))]
    )
    several = forms.MultipleChoiceField(
        label=gettext_lazy("Several choices"),
        choices=[("a", gettext_lazy("One")), ("b", gettext_lazy("Two"))],
        widget=forms.CheckboxSelectMultiple,
    )
    one = forms.ChoiceField(
        label=gettext_lazy("One of these"),
        choices=[("a", gettext_lazy("One")), ("b", gettext_lazy("Two"))],
        widget=forms.RadioSelect,
    )
    sure = forms.BooleanField(label=gettext_lazy("I have read this"))
    text = forms.CharField(label=gettext_lazy("A longer text"), widget=forms.Textarea, required=False)


@signed_in
@require_GET
def components(request: HttpRequest) -> HttpResponse:
    """Every part of the layout on one page; only in practice, for those who design pages and for the tests."""
    form = ComponentForm({"word": "", "number": "200"})
    rows = [(f"H-{number:04}-TEST", gettext("Household"), number * 1234) for number in range(1, 8)]
    return render(
        request,
        "desk/components.html",
        {"form": form, "rows": rows, "count": len(rows), "deeds": [("pause", gettext("Pause"))]},
    )
