"""Which facts may be recorded and why, proposing another, and everything that this desk keeps (the data dictionary)."""

from typing import Any

import msgspec
from django import forms as django_forms
from django.apps import apps
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from amparo_common.errors import AmparoError
from amparo_office.register import catalogue, needs
from amparo_office.register.forms import LANGUAGES, ReasonForm, fact_label, offer
from amparo_office.register.models import CatalogueEntry
from amparo_office.register.views import moment, purpose_words
from amparo_rules.catalogue import Entity, FactDefinition, FactType, Kind
from amparo_staff.accounts.access import member_of, requires, signed_in


class FactRow(msgspec.Struct, frozen=True):
    """One fact of the catalogue as the page shows it. `asked`: a published programme needs it."""

    name: str
    label: str
    entity: str
    kind: str
    allowed: str
    retention_days: int
    asked: bool


class TableShown(msgspec.Struct, frozen=True):
    """One table as the data dictionary shows it: its fields by column, kind and whether they are sealed."""

    name: str
    what: str
    fields: list[tuple[str, str, bool]]


# Those about people first.
APPS = ("register", "intake", "duplicates", "packets", "accounts", "approvals", "jobs", "trail")
SEALED = ("sealed",)


@signed_in
@require_safe
def facts(request: HttpRequest) -> HttpResponse:
    """The facts by their purpose."""
    by_purpose: dict[str, list[FactRow]] = {}
    needed = needs.needed(moment())
    for fact in catalogue.known().values():
        by_purpose.setdefault(fact.purpose, []).append(_row(fact, asked=(fact.entity, fact.name) in needed))
    shown = {
        "purposes": [(purpose_words(purpose), rows) for purpose, rows in by_purpose.items()],
        "waiting": CatalogueEntry.objects.exclude(state=CatalogueEntry.State.PUBLISHED).order_by("-at")[:50],
        "may_propose": member_of(request).may("register.catalogue"),
    }
    return render(request, "register/catalogue.html", shown)


@requires("register.catalogue")
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest) -> HttpResponse:
    """Propose a fact. A colleague has to agree, and it is used only once it stands in the public log."""
    form = ProposeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            catalogue.propose(form.definition(), reason=form.cleaned_data["reason"], by=member_of(request), at=moment())
        except AmparoError as error:
            form.add_error("name", " ".join(_(part) for part in (error.what, error.reason, error.remedy) if part))
        else:
            return redirect("register-catalogue")
    return render(request, "register/propose.html", {"form": form})


@signed_in
@require_safe
def dictionary(request: HttpRequest) -> HttpResponse:
    """Every table and field of this desk, from its models themselves: the list cannot differ from the database."""
    return render(request, "register/dictionary.html", {"tables": tables()})


def tables() -> list[TableShown]:
    """Every table of our own apps, those about people first."""
    words = column_words()
    return [
        TableShown(
            name=model._meta.db_table,
            what=" ".join((model.__doc__ or "").split()),
            fields=[
                (field.column or field.name, words[_column_kind(field)], field.name in SEALED)
                for field in model._meta.concrete_fields
            ],
        )
        for label in APPS
        for model in apps.get_app_config(label).get_models()
    ]


def column_words() -> dict[str, str]:
    """Kinds of columns in the page's words."""
    return {
        "bool": _("yes or no"),
        "date": _("date"),
        "moment": _("moment"),
        "number": _("whole number"),
        "bytes": _("bytes"),
        "list": _("codes and numbers"),
        "text": _("text"),
        "reference": _("reference"),
    }


def _column_kind(field: "models.Field[Any, Any]") -> str:
    match field:
        case models.ForeignKey() | models.UUIDField():
            return "reference"
        case models.BooleanField():
            return "bool"
        case models.DateTimeField():
            return "moment"
        case models.DateField():
            return "date"
        case models.IntegerField():
            return "number"
        case models.BinaryField():
            return "bytes"
        case models.JSONField():
            return "list"
    return "text"


def _row(fact: FactDefinition, *, asked: bool) -> FactRow:
    kinds = kind_words()
    allowed = "" if fact.type.kind == "bool" else f"{fact.type.show(fact.type.min)} – {fact.type.show(fact.type.max)}"
    entities = {"person": _("person"), "household": _("household")}
    return FactRow(
        fact.name,
        fact_label(fact),
        entities[fact.entity],
        kinds[fact.type.kind],
        allowed,
        fact.retention_days,
        asked=asked,
    )


def kind_words() -> dict[str, str]:
    """Kinds of values in the page's words."""
    return {"bool": _("yes or no"), "int": _("whole number"), "decimal": _("number"), "date": _("date")}


class ProposeForm(ReasonForm):
    """A new fact: of whom, its name, kind and range, labels in five languages, purpose, how long it is kept."""

    entity = django_forms.ChoiceField(label=gettext_lazy("It is a fact of"))
    name = django_forms.RegexField(
        label=gettext_lazy("Short name, in English"),
        regex=r"^[a-z][a-z0-9_]{1,59}$",
        help_text=gettext_lazy("Small letters, digits and _, like roof_type."),
        widget=django_forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )
    kind = django_forms.ChoiceField(label=gettext_lazy("Its value is a"))
    least = django_forms.IntegerField(label=gettext_lazy("At least"), required=False, min_value=0)
    most = django_forms.IntegerField(label=gettext_lazy("At most"), required=False, min_value=0, max_value=100_000_000)
    purpose = django_forms.CharField(label=gettext_lazy("Which programme needs it, and for what"), max_length=200)
    retention_days = django_forms.IntegerField(
        label=gettext_lazy("Days it is kept after the household leaves"), min_value=1, max_value=3650, initial=365
    )

    field_order = ("entity", "name", "kind", "least", "most")

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)
        offer(self, "entity", [("household", _("household")), ("person", _("person"))])
        offer(self, "kind", [(kind, words) for kind, words in kind_words().items() if kind != "date"])
        for code, language in LANGUAGES:
            self.fields[f"label_{code}"] = django_forms.CharField(
                label=_("Label in %(language)s") % {"language": language},
                max_length=120,
                widget=django_forms.TextInput(attrs={"lang": code, "dir": "rtl" if code == "ar" else "ltr"}),
            )
        self.order_fields(("entity", "name", "kind", "least", "most", "purpose", "retention_days"))
        self.fields["reason"] = self.fields.pop("reason")

    def clean(self) -> dict[str, object]:
        """A range that is one."""
        said = super().clean() or {}
        least, most = said.get("least") or 0, said.get("most")
        if said.get("kind") != "bool" and (most is None or most <= least):
            self.add_error("most", _("Write a number above the smallest one."))
        return said

    def definition(self) -> FactDefinition:
        """The catalogue entry that was typed."""
        said = self.cleaned_data
        scale = 2 if said["kind"] == "decimal" else 0
        kind: Kind = said["kind"]
        entity: Entity = said["entity"]
        least, most = (0, 1) if kind == "bool" else ((said["least"] or 0) * 10**scale, said["most"] * 10**scale)
        return FactDefinition(
            name=said["name"],
            entity=entity,
            type=FactType(kind=kind, min=least, max=most, scale=scale),
            label={code: said[f"label_{code}"] for code, _language in LANGUAGES},
            purpose=said["purpose"],
            retention_days=said["retention_days"],
        )
