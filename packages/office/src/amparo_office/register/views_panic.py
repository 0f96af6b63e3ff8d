"""Erasing the whole register in an emergency: two people, one typed word, seconds."""

from django import forms as django_forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from amparo_office.register import erasure
from amparo_office.register.forms import ReasonForm
from amparo_office.register.models import Household, Individual
from amparo_office.register.views import moment
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.approvals.models import Approval

KIND = PANIC = "register.panic"


class PanicForm(ReasonForm):
    """Why, and how many people, typed: nobody types that by mistake."""

    count = django_forms.CharField(
        label=gettext_lazy("Type how many people are in the register"),
        max_length=12,
        widget=django_forms.TextInput(attrs={"inputmode": "numeric", "dir": "ltr", "autocomplete": "off"}),
    )

    def __init__(self, *given: object, people: int, **named: object) -> None:
        super().__init__(*given, **named)
        self._people = people

    def clean_count(self) -> str:
        """The right number."""
        typed: str = self.cleaned_data["count"].replace(" ", "").replace(",", "").replace(".", "")
        if not typed.isdecimal() or int(typed) != self._people:
            raise django_forms.ValidationError(_("This is not the number that stands above."))
        return typed


@requires(PANIC)
@require_http_methods(["GET", "POST"])
def panic(request: HttpRequest) -> HttpResponse:
    """Ask another administrator. With their yes, nobody can read the register again."""
    people = Individual.objects.count()
    form = PanicForm(request.POST if request.method == "POST" else None, people=people)
    if form.is_bound and form.is_valid():
        erasure.ask_panic(reason=form.cleaned_data["reason"], by=member_of(request), at=moment())
        return redirect("register-panic")
    waiting = Approval.objects.filter(kind=KIND, state="waiting").order_by("asked").first()
    shown = {"form": form, "people": people, "households": Household.objects.count(), "waiting": waiting}
    return render(request, "register/panic.html", shown)
