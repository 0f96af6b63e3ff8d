"""The forms of imports and exports."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from amparo_office.intake import exporting
from amparo_office.intake.service import ENDINGS, MOST_FILES


class ManyFiles(forms.ClearableFileInput):
    """An input for several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One file or two."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> Any:
        """The files that were sent."""
        given = data if isinstance(data, (list, tuple)) else [data]
        found: list[UploadedFile[Any]] = [super(FilesField, self).clean(each, initial) for each in given]
        if len(found) > MOST_FILES:
            raise ValidationError(_("Send one file, or two: households and people."))
        return found


class UploadForm(forms.Form):
    """A list to import."""

    name = forms.CharField(
        label=_("Name of the list"),
        max_length=120,
        help_text=_(
            "Where it comes from, like “Enrolment at the market, October”. It stands on every receipt. No names of people."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    sent = FilesField(
        label=_("File, or two files: households and people"),
        help_text=_("CSV, XLSX or Stata (.dta), as Kobo, ODK, HOPE or 121 write them, or our own template."),
        widget=ManyFiles(attrs={"accept": ",".join(ENDINGS)}),
    )


class UpdateForm(forms.Form):
    """A file that changes many records."""

    name = forms.CharField(
        label=_("Name of the list"),
        max_length=120,
        help_text=_("Where it comes from, like “Visits in October”. It stands beside each change. No names of people."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=200,
        help_text=_("No names and no numbers of people here."),
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )
    sent = forms.FileField(
        label=_("File (CSV or XLSX)"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )


class FormFile(forms.Form):
    """An XLSForm to check."""

    file = forms.FileField(label=_("Form (XLSForm, .xlsx)"), widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}))


class ExportForm(forms.Form):
    """What a list is for and what is in it."""

    rows = forms.ChoiceField(
        label=_("A row for each"),
        choices=[("households", _("household")), ("people", _("person"))],
        widget=forms.RadioSelect,
        initial="households",
    )
    programme = forms.ChoiceField(
        label=_("For the programme"),
        required=False,
        help_text=_("Each programme has its own references, so that two lists cannot be joined."),
    )
    reason = forms.ChoiceField(
        label=_("Reason"), help_text=_("The reason stands in the public log when the list is long.")
    )
    identity = forms.BooleanField(
        label=_("With names, papers, telephone numbers and addresses"),
        required=False,
        help_text=_("Each person in the list can see that it was made, and by whom."),
    )
    form = forms.ChoiceField(label=_("Form"), choices=[("xlsx", "XLSX"), ("csv", "CSV")])

    def __init__(self, *given: Any, programmes: Collection[str], identity: bool, **named: Any) -> None:
        super().__init__(*given, **named)
        shown = [("", _("None: the references of the register")), *((name, name) for name in sorted(programmes))]
        self.fields["programme"].choices = shown  # type: ignore[attr-defined] # it is a choice
        self.fields["reason"].choices = [("", _("Choose")), *exporting.reasons().items()]  # type: ignore[attr-defined] # it is a choice
        if not identity:
            del self.fields["identity"]
