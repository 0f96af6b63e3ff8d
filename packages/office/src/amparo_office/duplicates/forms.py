"""The forms of this part."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amparo_office.duplicates.models import Asked, Verdict, Why
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import PERMISSIONS

KIND_WORDS = {
    "name": _("Name"),
    "birth": _("Date of birth"),
    "papers": _("Papers"),
    "telephone": _("Telephone"),
    "head": _("Head of the household"),
    "area": _("Place"),
}
VERDICTS = (
    (Verdict.SAME, _("One person: put the two records together")),
    (Verdict.DIFFERENT, _("Two different people")),
    (Verdict.UNSURE, _("I cannot tell yet: somebody asks them")),
)
VERDICT_WORDS = {
    Verdict.WAITING: _("Waits for you"),
    Verdict.SAME: _("One person"),
    Verdict.DIFFERENT: _("Two people"),
    Verdict.UNSURE: _("Somebody asks"),
}
REASONS = (
    (Why.PAPERS_SEEN, _("I saw their papers")),
    (Why.PEOPLE_ASKED, _("The people were asked")),
    (Why.TYPED_TWICE, _("The same form was typed in twice")),
    (Why.RELATIVES, _("They are relatives")),
    (Why.SAME_NAME, _("Only the names are the same")),
    (Why.NOT_ENOUGH, _("The records do not say enough")),
)


class VerdictForm(forms.Form):
    """What a reviewer says about a pair, and why."""

    # Whether one of these may stay empty depends on the verdict.
    conditional = ("keep", "with_members", "ask_by", "ask_whom")
    verdict = forms.ChoiceField(label=_("What do you see?"), choices=VERDICTS, widget=forms.RadioSelect)
    why = forms.ChoiceField(label=_("Why?"), choices=(("", _("Choose")), *REASONS))
    keep = forms.ChoiceField(
        label=_("If one person: which record is kept?"),
        help_text=_("The other one points to it. You can undo this."),
        required=False,
        widget=forms.RadioSelect,
    )
    with_members = forms.BooleanField(label=_("If one person: the others of that household move along"), required=False)
    ask_by = forms.ModelChoiceField(
        label=_("If you cannot tell: who asks them?"), queryset=StaffMember.objects.none(), required=False
    )
    ask_whom = forms.ChoiceField(label=_("If you cannot tell: who is asked?"), required=False)

    def __init__(self, data: Any, *, refs: tuple[str, str], members: QuerySet[StaffMember]) -> None:
        super().__init__(data)
        sides = [(Asked.FIRST.value, refs[0]), (Asked.SECOND.value, refs[1])]
        self.fields["keep"].choices = sides  # type: ignore[attr-defined] # a ChoiceField
        self.fields["ask_whom"].choices = [("", gettext("Choose")), *sides, (Asked.BOTH.value, gettext("Both"))]  # type: ignore[attr-defined]
        self.fields["ask_by"].queryset = members  # type: ignore[attr-defined] # a ModelChoiceField
        self.fields["ask_by"].empty_label = gettext("Choose")  # type: ignore[attr-defined] # a ModelChoiceField
        self.fields["ask_by"].label_from_instance = lambda member: member.name  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """One person needs the record to keep, not knowing somebody who asks."""
        found: dict[str, Any] = super().clean() or {}
        if found.get("verdict") == Verdict.SAME and not found.get("keep"):
            self.add_error("keep", gettext("Choose the record that is kept."))
        if found.get("verdict") == Verdict.UNSURE:
            if not found.get("ask_by"):
                self.add_error("ask_by", gettext("Choose who asks."))
            if not found.get("ask_whom"):
                self.add_error("ask_whom", gettext("Choose who is asked."))
        return found


def askers() -> QuerySet[StaffMember]:
    """Who may see names, and so may ask people."""
    roles = [role.value for role in PERMISSIONS["register.identity"]]
    return StaffMember.objects.filter(is_active=True, grants__role__in=roles).distinct().order_by("name", "id")


class OtherListForm(forms.Form):
    """What to do with which agency's list."""

    kind = forms.ChoiceField(
        label=_("What do you want to do?"),
        choices=(
            ("encode", _("Make an encoded file for the agency")),
            ("compare", _("Compare with the agency's encoded file")),
        ),
        widget=forms.RadioSelect,
    )
    agency = forms.RegexField(
        label=_("Agency"),
        regex=r"^[a-z0-9][a-z0-9-]{1,39}$",
        help_text=_("A short code: small letters, digits, hyphens."),
    )
    area = forms.CharField(label=_("Place"), max_length=32, required=False, help_text=_("A code. Empty: all places."))
    file = forms.FileField(label=_("The agency's encoded file"), required=False)

    def clean(self) -> dict[str, Any]:
        """Comparing needs a file, encoding none."""
        found: dict[str, Any] = super().clean() or {}
        if found.get("kind") == "compare" and not found.get("file"):
            self.add_error("file", gettext("Choose the file."))
        if found.get("kind") == "encode":
            found["file"] = None
        return found
