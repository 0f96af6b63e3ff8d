"""The pages of voucher sheets: find one, take in whose they are, strike a lost one, and what to do about a copied voucher."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from amparo_common.sheets import read_sheet_number, shown_number
from amparo_office.desk import place
from amparo_office.packets import service
from amparo_office.packets.models import Packet
from amparo_office.register.forms import ReasonForm
from amparo_office.register.forms_filter import in_areas
from amparo_office.register.models import Household
from amparo_office.register.refs import read_ref
from amparo_office.register.views import VIEW, household_in_scope, moment
from amparo_service.keys import signing_key
from amparo_staff.accounts.access import member_of, requires

LARGEST = 16 * 1024 * 1024
REASONS: dict[str, str | Promise] = {
    "unreadable": _("This is not the printing desk’s list: columns sheet, household and until, in UTF-8."),
    "number": _("The number of the sheet is mistyped."),
    "until": _("The day has to be written like 2027-01-31."),
    "far": _("The day is too far away: no voucher is valid for so long."),
    "household": _("No household here has this reference, or several."),
    "twice": _("This sheet stands twice, or is another household’s here."),
}


class FindForm(forms.Form):
    """What to look for."""

    said = forms.CharField(
        label=_("Number of the sheet, or reference of the household"),
        max_length=20,
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )


class ListForm(forms.Form):
    """The printing desk's list."""

    file = forms.FileField(
        label=_("List of the printing desk (packets.csv)"), widget=forms.ClearableFileInput(attrs={"accept": ".csv"})
    )

    def clean_file(self) -> object:
        """Not larger than any print run's."""
        sent = self.cleaned_data["file"]
        if sent.size > LARGEST:
            raise forms.ValidationError(gettext("The file is too large for a list of sheets."))
        return sent


@requires(VIEW)
@require_http_methods(["GET", "POST"])
def sheets(request: HttpRequest) -> HttpResponse:
    """Find a sheet by its number, or those of a household."""
    form = FindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data["said"]
        number, ref = read_sheet_number(said), read_ref(said)
        if number is not None and _visible(request).filter(number=number).exists():
            return redirect("sheet", number)
        if ref is not None and _households(request).filter(ref=ref).exists():
            return redirect("sheets-of", ref)
        known = number is not None or ref is not None
        words = (
            _("There is no such sheet or household here.") if known else _("This is neither a number nor a reference.")
        )
        form.add_error("said", words)
    shown = {"form": form, "may_change": member_of(request).may(service.CHANGE)}
    return render(request, "packets/find.html", shown, status=400 if form.errors else 200)


@requires(VIEW)
@require_safe
def sheets_of(request: HttpRequest, ref: str) -> HttpResponse:
    """The sheets of one household."""
    home = household_in_scope(request, ref)
    rows = [(row, shown_number(row.number)) for row in service.packets_of(home.pk)]
    return render(request, "packets/household.html", {"household": home, "rows": rows})


@requires(VIEW)
@require_safe
def sheet(request: HttpRequest, number: str) -> HttpResponse:
    """One sheet: whose, until when, and if it was struck, how it goes on."""
    row = _in_scope(request, number)
    shown = {
        "row": row,
        "number": shown_number(row.number),
        "successor": shown_number(row.successor) if row.successor else "",
        "waiting": service.waiting(row),
        "may_change": member_of(request).may(service.CHANGE),
        "may_carry": service.may_carry(row, member_of(request)),
    }
    return render(request, "packets/sheet.html", shown)


@requires(service.CHANGE)
@require_http_methods(["GET", "POST"])
def strike(request: HttpRequest, number: str) -> HttpResponse:
    """Ask a second person to strike a lost sheet."""
    row = _in_scope(request, number, service.CHANGE)
    if row.state == Packet.State.STRUCK or service.waiting(row) is not None:
        return redirect("sheet", row.number)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        service.ask_strike(row, reason=form.cleaned_data["reason"], by=member_of(request), at=moment())
        return redirect("sheet", row.number)
    shown = {"form": form, "row": row, "number": shown_number(row.number)}
    return render(request, "packets/strike.html", shown, status=400 if form.errors else 200)


@requires(VIEW)
@require_safe
def order(request: HttpRequest, number: str) -> HttpResponse:
    """The signed order as a file, for the printing desk; not for who asked for it."""
    row = _in_scope(request, number)
    signed = service.order_of(row, signing_key(place.folder(), "publish-key"))
    if signed is None:
        raise Http404
    if not service.may_carry(row, member_of(request)):
        raise PermissionDenied
    answer = HttpResponse(f"{signed}\n", content_type="text/plain; charset=us-ascii")
    answer["Content-Disposition"] = f'attachment; filename="order-{row.number}.txt"'
    return answer


@requires(service.CHANGE)
@require_http_methods(["GET", "POST"])
def take_in(request: HttpRequest) -> HttpResponse:
    """Take in whose the printed sheets are."""
    form = ListForm(request.POST or None, request.FILES or None)
    faults: list[service.ListFault] = []
    if request.method == "POST" and form.is_valid():
        content = form.cleaned_data["file"].read()
        count, faults = service.take_in(content, by=member_of(request), at=moment())
        if not faults:
            messages.success(request, gettext("Taken in: %(count)s new sheets.") % {"count": count})
            return redirect("sheets")
    shown = {"form": form, "faults": [(each.line, REASONS[each.reason]) for each in faults[:100]]}
    return render(request, "packets/take_in.html", shown, status=400 if form.errors or faults else 200)


@requires(VIEW)
@require_safe
def refused(request: HttpRequest) -> HttpResponse:
    """What to do when a voucher was refused because it had been collected before."""
    return render(request, "packets/refused.html", {})


def _households(request: HttpRequest, permission: str = VIEW) -> QuerySet[Household]:
    return in_areas(Household.objects.all(), member_of(request).areas(permission))


def _visible(request: HttpRequest, permission: str = VIEW) -> QuerySet[Packet]:
    """The sheets of households in the member's areas."""
    return service.packets().filter(household__in=_households(request, permission))


def _in_scope(request: HttpRequest, number: str, permission: str = VIEW) -> Packet:
    """The sheet of this number. Raises Http404 as well when its household lies outside the member's areas."""
    found = _visible(request, permission).filter(number=number).first()
    if found is None:
        raise Http404
    return found
