"""The page of areas: what there is, level by level, and taking in a list of P-codes. For `register.areas`."""

import io

from django import forms
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from amparo_common.errors import AmparoError
from amparo_office.intake.area_list import AreaCounts, AreaFault, read_areas, take_in
from amparo_office.intake.sheets import sheets
from amparo_office.intake.views import refusal_words
from amparo_office.register.models import Area
from amparo_office.register.views import area_name, moment
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.layout.lists import page_of

PERMISSION = "register.areas"
# The largest published table of a nation's areas has some ten thousand rows.
LARGEST = 16 * 1024 * 1024
ROWS = 100
REASONS: dict[str, str | Promise] = {
    "code": _("A code begins with the two letters of its country, then capital letters and digits, like VE0101."),
    "prefix": _("Its code has to begin with the code of the area around it."),
    "name": _("The name is too long."),
    "twice": _("This code stands twice, in two different areas."),
    "parent-unknown": _("The area around it is neither here nor in the file."),
    "moved": _("It lies in another area here. Areas are not moved."),
}


class AreasForm(forms.Form):
    """A list of areas."""

    file = forms.FileField(
        label=_("List of areas (XLSX or CSV)"),
        help_text=_("OCHA’s table of P-codes as it is published, or columns code, parent and name."),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv"}),
    )

    def clean_file(self) -> object:
        """Not larger than any nation's."""
        sent = self.cleaned_data["file"]
        if sent.size > LARGEST:
            raise forms.ValidationError(_("The file is too large for a list of areas."))
        return sent


@requires(PERMISSION)
@require_http_methods(["GET", "POST"])
def areas(request: HttpRequest) -> HttpResponse:
    """The areas under one (or the countries), and a form for a list."""
    form = AreasForm(request.POST or None, request.FILES or None)
    faults: list[AreaFault] = []
    counts: AreaCounts | None = None
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data["file"]
        content = sent.read()
        try:
            found, faults = read_areas(sheets(sent.name, lambda: io.BytesIO(content)))
            counts = None if faults else take_in(found, by=member_of(request), at=moment())
        except AmparoError as error:
            form.add_error("file", " ".join(refusal_words(error)))
    under = request.GET.get("under", "")
    above = get_object_or_404(Area, code=under) if under else None
    inside = Area.objects.filter(parent=above).annotate(inside=Count("children"))
    page = page_of(inside, ("code",), request.GET, size=ROWS)
    shown = {
        "form": form,
        "faults": [(each, REASONS[each.reason]) for each in faults],
        "counts": counts,
        "above": [(area.code, area_name(area)) for area in _above(above)],
        "here": area_name(above),
        "page": page,
        "rows": [(area, area_name(area)) for area in page.rows],
        "any": Area.objects.exists(),
    }
    return render(request, "intake/areas.html", shown, status=400 if form.errors or faults else 200)


def _above(area: Area | None) -> list[Area]:
    """The area and those around it, from the outermost."""
    found: list[Area] = []
    while area is not None:
        found.append(area)
        area = area.parent
    return found[::-1]
