"""The form of an answer."""

from django import forms
from django.utils.translation import gettext_lazy

YES, NO = "yes", "no"


class AnswerForm(forms.Form):
    """Yes or no, and why."""

    answer = forms.ChoiceField(
        label=gettext_lazy("Your answer"),
        choices=[(YES, gettext_lazy("Yes, do it")), (NO, gettext_lazy("No, do not do it"))],
        widget=forms.RadioSelect,
    )
    why = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        help_text=gettext_lazy("Write no names of people in the register."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
