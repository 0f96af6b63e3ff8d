"""The form of the search."""

from django import forms
from django.utils.translation import gettext, gettext_lazy

from amparo_office.register.forms import Form, offer
from amparo_office.register.views import purpose_choices


class PurposeForm(Form):
    """For what something is read."""

    purpose = forms.ChoiceField(label=gettext_lazy("For what do you read it"))

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)
        offer(self, "purpose", [("", gettext("Choose")), *purpose_choices()])


class SearchForm(PurposeForm):
    """A purpose first, then words: names in any script, a telephone, the number of a paper, or our reference."""

    words = forms.CharField(
        label=gettext_lazy("Name, telephone, number of a paper, or reference"),
        max_length=200,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *given: object, with_names: bool, **named: object) -> None:
        super().__init__(*given, **named)
        if not with_names:
            del self.fields["purpose"]
            self.fields["words"].label = gettext_lazy("Reference")
