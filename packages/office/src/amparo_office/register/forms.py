"""The forms of the register's pages. A form reads what was typed into the register's own types; nothing here decides or stores."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import cast

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from amparo_office.register.forms_draft import BirthDate
from amparo_office.register.models import BirthPrecision, Relationship
from amparo_office.register.sealing import DOCUMENT_KINDS, Document, Name
from amparo_rules.catalogue import FactDefinition, days
from amparo_rules.errors import FactOutOfRange

Choices = Sequence[tuple[str, str]]

LANGUAGES: Choices = (("es", "Español"), ("en", "English"), ("fr", "Français"), ("ar", "العربية"), ("pt", "Português"))
OLDEST = date(1900, 1, 1)
AGE_LIMIT = 125
PAPERS = 3
_TELEPHONE_DIGITS = range(6, 16)


def relationship_choices() -> Choices:
    """How members are related to the head, in the page's words."""
    return (
        (Relationship.WIFE_HUSBAND, _("Wife, husband or partner")),
        (Relationship.SON_DAUGHTER, _("Son or daughter")),
        (Relationship.MOTHER_FATHER, _("Mother or father")),
        (Relationship.BROTHER_SISTER, _("Brother or sister")),
        (Relationship.GRANDSON_GRANDDAUGHTER, _("Grandchild")),
        (Relationship.GRANDMOTHER_GRANDFATHER, _("Grandparent")),
        (Relationship.OTHER, _("Other, lives here")),
        (Relationship.NON_BENEFICIARY, _("Does not live here, only collects")),
        (Relationship.UNKNOWN, _("Does not know")),
    )


def relationship_words() -> dict[str, str]:
    """Every relationship in the page's words."""
    return {Relationship.HEAD.value: _("Head of the household")} | dict(relationship_choices())


def document_words() -> dict[str, str]:
    """Every kind of paper in the page's words."""
    words = {
        "national-id": _("National identity card"),
        "passport": _("Passport"),
        "birth-certificate": _("Birth certificate"),
        "refugee-card": _("Refugee card"),
        "driving-licence": _("Driving licence"),
        "other": _("Other paper"),
    }
    return {kind: words[kind] for kind in DOCUMENT_KINDS}


def fact_label(fact: FactDefinition) -> str:
    """The fact's label in the page's language."""
    label = fact.label.get((get_language() or "es")[:2]) or fact.label["en"]
    return label[:1].upper() + label[1:]


class Form(forms.Form):
    """A form of these pages. Labels end in nothing."""

    label_suffix = ""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type] # Django's own long list of arguments
        self.label_suffix = ""
        for name, field in self.fields.items():
            widget = field.widget
            if isinstance(widget, forms.TextInput):
                widget.attrs.setdefault("autocomplete", "off")
            if name.endswith("_number") or name in ("given", "family", "middle"):
                widget.attrs.setdefault("dir", "auto")
                widget.attrs.setdefault("spellcheck", "false")


class NameForm(Form):
    """Names of one person: the one they use, and one in another script."""

    given = forms.CharField(label=gettext_lazy("Given name, or the only name"), max_length=120)
    middle = forms.CharField(label=gettext_lazy("Middle name"), max_length=120, required=False)
    family = forms.CharField(label=gettext_lazy("Family names"), max_length=160, required=False)
    other_given = forms.CharField(label=gettext_lazy("Given name in another script"), max_length=120, required=False)
    other_family = forms.CharField(label=gettext_lazy("Family names in another script"), max_length=160, required=False)

    def names(self) -> list[Name]:
        """The names that were typed. Their script is told from their letters."""
        said = self.cleaned_data
        typed = [(said["given"], said["middle"], said["family"]), (said["other_given"], "", said["other_family"])]
        return [
            Name(given=given, middle=middle, family=family, script=script_of(given + family))
            for given, middle, family in typed
            if given or family
        ]

    @staticmethod
    def initial_from(names: Sequence[Name]) -> dict[str, str]:
        """What the form shows for names that are known."""
        first = names[0] if names else Name(given="")
        other = names[1] if len(names) > 1 else Name(given="")
        return {
            "given": first.given,
            "middle": first.middle,
            "family": first.family,
            "other_given": " ".join(part for part in (other.given, other.middle) if part),
            "other_family": other.family,
        }


def script_of(text: str) -> str:
    """The script of a name by its first letter that tells it: Arab, Latn, or "" for others."""
    for sign in text:
        if "\u0600" <= sign <= "\u06ff" or "\u0750" <= sign <= "\u077f":
            return "Arab"
        if sign.isalpha() and sign < "\u0250":
            return "Latn"
    return ""


class BirthDateForm(Form):
    """As much of a date of birth as somebody knows: a day, a month, a year, an age, or nothing."""

    day = forms.IntegerField(label=gettext_lazy("Day"), required=False, min_value=1, max_value=31)
    month = forms.IntegerField(label=gettext_lazy("Month"), required=False, min_value=1, max_value=12)
    year = forms.IntegerField(label=gettext_lazy("Year"), required=False, min_value=1900, max_value=2100)
    age = forms.IntegerField(label=gettext_lazy("Or: age, about"), required=False, min_value=0, max_value=AGE_LIMIT)
    unknown = forms.BooleanField(label=gettext_lazy("Does not know"), required=False)

    def __init__(self, *given: object, today: date, **named: object) -> None:
        super().__init__(*given, **named)
        self._today = today
        for name in ("day", "month", "year", "age"):
            self.fields[name].widget = forms.TextInput(attrs={"inputmode": "numeric", "size": 4, "autocomplete": "off"})

    def clean(self) -> dict[str, object]:
        """One way of saying it, and no day that is to come."""
        said = super().clean() or {}
        if self.errors:
            return said
        day, month, year, age = (said.get(name) for name in ("day", "month", "year", "age"))
        if not said.get("unknown") and year is None and age is None:
            self.add_error("year", _("Write a year or an age, or choose “Does not know”."))
        elif year is not None and day is not None and month is None:
            self.add_error("month", _("Write the month too."))
        elif year is not None:
            self._check_day(year, month, day)
        return said

    def _check_day(self, year: int, month: int | None, day: int | None) -> None:
        try:
            born = date(year, month or 1, day or 1)
        except ValueError:
            self.add_error("day", _("This day does not exist."))
            return
        if born > self._today:
            self.add_error("year", _("This day is still to come."))

    def birth_date(self) -> BirthDate:
        """What was said; what is not known is filled with the middle of what is possible."""
        said = self.cleaned_data
        if said.get("unknown"):
            return BirthDate()
        if said.get("year") is None:
            return BirthDate(
                value=days(date(self._today.year - said["age"], 7, 1)), precision=BirthPrecision.ESTIMATED.value
            )
        year, month, day = said["year"], said["month"], said["day"]
        if month is None:
            return BirthDate(value=days(date(year, 7, 1)), precision=BirthPrecision.YEAR.value)
        if day is None:
            return BirthDate(value=days(date(year, month, 15)), precision=BirthPrecision.MONTH.value)
        return BirthDate(value=days(date(year, month, day)), precision=BirthPrecision.DAY.value)

    @staticmethod
    def initial_from(value: int | None, precision: str, today: date) -> dict[str, object]:
        """What the form shows for a date that is known."""
        if value is None:
            return {"unknown": precision == BirthPrecision.UNKNOWN}
        born = date.fromordinal(value + date(1970, 1, 1).toordinal())
        match precision:
            case BirthPrecision.DAY.value:
                return {"day": born.day, "month": born.month, "year": born.year}
            case BirthPrecision.MONTH.value:
                return {"month": born.month, "year": born.year}
            case BirthPrecision.ESTIMATED.value:
                return {"age": today.year - born.year}
        return {"year": born.year}


class PaperForm(Form):
    """A paper that somebody showed; none is needed."""

    kind = forms.ChoiceField(label=gettext_lazy("Which paper"), required=False)
    paper_number = forms.CharField(label=gettext_lazy("Number on it"), max_length=60, required=False)
    country = forms.CharField(label=gettext_lazy("Country, two letters"), max_length=2, required=False)

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)
        offer(self, "kind", [("", _("No paper")), *document_words().items()])

    def clean(self) -> dict[str, object]:
        """A kind and its number go together."""
        said = super().clean() or {}
        if said.get("kind") and not said.get("paper_number"):
            self.add_error("paper_number", _("Write the number, or choose “No paper”."))
        if said.get("paper_number") and not said.get("kind"):
            self.add_error("kind", _("Choose which paper it is."))
        return said

    def documents(self) -> list[Document]:
        """The paper, if there is one."""
        said = self.cleaned_data
        if not said["kind"]:
            return []
        return [Document(kind=said["kind"], number=said["paper_number"], country=said["country"].upper())]

    @staticmethod
    def initial_from(documents: Sequence[Document]) -> dict[str, str]:
        """What the form shows for papers that are known: the first."""
        if not documents:
            return {}
        return {"kind": documents[0].kind, "paper_number": documents[0].number, "country": documents[0].country}


class PapersForm(Form):
    """The papers of one person, up to three; an empty line takes one away."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)
        for place in range(1, PAPERS + 1):
            kinds = [("", _("No paper")), *document_words().items()]
            self.fields[f"kind_{place}"] = forms.ChoiceField(
                label=_("Paper %(place)s") % {"place": place}, choices=kinds, required=False
            )
            for name, label, longest in (
                ("number", _("Number on paper %(place)s"), 60),
                ("country", _("Country of paper %(place)s, two letters"), 2),
            ):
                self.fields[f"{name}_{place}"] = forms.CharField(
                    label=label % {"place": place}, max_length=longest, required=False, widget=_plain_input()
                )

    def clean(self) -> dict[str, object]:
        """A kind and its number go together."""
        said = super().clean() or {}
        for place in range(1, PAPERS + 1):
            if bool(said.get(f"kind_{place}")) != bool(said.get(f"number_{place}")):
                self.add_error(
                    f"number_{place}", _("Choose which paper it is and write its number, or leave both empty.")
                )
        return said

    def documents(self) -> list[Document]:
        """The papers that were told."""
        said = self.cleaned_data
        return [
            Document(
                kind=said[f"kind_{place}"], number=said[f"number_{place}"], country=said[f"country_{place}"].upper()
            )
            for place in range(1, PAPERS + 1)
            if said[f"kind_{place}"]
        ]

    @staticmethod
    def initial_from(documents: Sequence[Document]) -> dict[str, str]:
        """What the form shows for papers that are known."""
        shown: dict[str, str] = {}
        for place, paper in enumerate(documents[:PAPERS], 1):
            shown |= {f"kind_{place}": paper.kind, f"number_{place}": paper.number, f"country_{place}": paper.country}
        return shown


def _plain_input() -> forms.TextInput:
    return forms.TextInput(attrs={"dir": "auto", "autocomplete": "off", "spellcheck": "false"})


def offer(form: forms.Form, name: str, choices: Choices) -> None:
    """What can be chosen in a field of the form."""
    cast(forms.ChoiceField, form.fields[name]).choices = list(choices)


class TelephoneForm(Form):
    """A telephone number, if there is one."""

    telephone = forms.CharField(
        label=gettext_lazy("Telephone"),
        max_length=24,
        required=False,
        help_text=gettext_lazy("With the country's code, like +58 412 000 0000. Leave it empty if there is none."),
        widget=forms.TextInput(attrs={"inputmode": "tel", "dir": "ltr", "autocomplete": "off"}),
    )

    def clean_telephone(self) -> str:
        """The number in E.164, or ""."""
        typed: str = self.cleaned_data["telephone"]
        digits = "".join(str(int(sign)) for sign in typed if sign.isdecimal())
        if not typed.strip():
            return ""
        if len(digits) not in _TELEPHONE_DIGITS or any(sign.isalpha() for sign in typed):
            raise forms.ValidationError(_("Write digits only, with the country's code."))
        return f"+{digits.removeprefix('00')}"


class FactForm(Form):
    """One fact of the catalogue; “does not know” is always an answer."""

    def __init__(self, *given: object, definition: FactDefinition, **named: object) -> None:
        super().__init__(*given, **named)
        self.definition = definition
        label = fact_label(definition)
        if definition.type.kind == "bool":
            self.fields["value"] = forms.ChoiceField(
                label=label, choices=_yes_no(nullable=definition.type.nullable), widget=forms.RadioSelect
            )
            return
        modes = {"int": "numeric", "decimal": "decimal", "date": ""}
        widget = forms.TextInput(attrs={"inputmode": modes[definition.type.kind], "autocomplete": "off", "dir": "ltr"})
        self.fields["value"] = forms.CharField(label=label, max_length=24, widget=widget, help_text=self._allowed())
        self.fields["unknown"] = forms.BooleanField(label=_("Does not know"), required=False)
        # The value is asked for unless it is said that nobody knows it.
        self.fields["value"].required = not (self.is_bound and self.data.get("unknown"))

    def _allowed(self) -> str:
        kind = self.definition.type
        if kind.kind == "date":
            return _("Year-month-day, like 2026-11-22.")
        return _("From %(least)s to %(most)s.") % {"least": kind.show(kind.min), "most": kind.show(kind.max)}

    def clean(self) -> dict[str, object]:
        """A value of the fact's type, or that it is not known."""
        said = super().clean() or {}
        if "value" not in said:
            return said
        typed = "" if said["value"] == "unknown" else str(said["value"]).strip()
        if not typed and not said.get("unknown") and said["value"] != "unknown":
            self.add_error("value", _("Answer, or choose “Does not know”."))
            return said
        try:
            said["parsed"] = None if said.get("unknown") else self.definition.type.parse(_western(typed))
        except FactOutOfRange:
            self.add_error("value", _("This cannot be taken. %(allowed)s") % {"allowed": self._allowed()})
        return said

    def value(self) -> int | None:
        """The scaled integer; None when it is not known."""
        parsed: int | None = self.cleaned_data["parsed"]
        return parsed

    @staticmethod
    def initial_from(definition: FactDefinition, facts: dict[str, int | None]) -> dict[str, object]:
        """What the form shows for a fact that may have been answered before."""
        if definition.name not in facts:
            return {}
        value = facts[definition.name]
        if definition.type.kind == "bool":
            return {"value": {None: "unknown", 0: "no", 1: "yes"}[value]}
        if value is None:
            return {"unknown": True}
        return {"value": str(definition.type.show(value))}


def _yes_no(*, nullable: bool) -> Choices:
    said = (("yes", _("Yes")), ("no", _("No")))
    return (*said, ("unknown", _("Does not know"))) if nullable else said


def _western(text: str) -> str:
    """Digits of any script as 0 to 9, a decimal comma as a point."""
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in text).replace(",", ".").replace("٫", ".")


class ChoiceForm(Form):
    """One question with one answer of several."""

    answer = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(self, *given: object, label: str, choices: Choices, select: bool = False, **named: object) -> None:
        super().__init__(*given, **named)
        field = cast(forms.ChoiceField, self.fields["answer"])
        if select:
            field.widget = forms.Select()
        field.label, field.choices = label, list(choices)


class AreaCodeForm(Form):
    """An area by its code, where there are too many to choose from. `known` tells whether the member may choose it."""

    answer = forms.CharField(
        label=gettext_lazy("Code of the area"),
        max_length=32,
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off", "autocapitalize": "characters"}),
    )

    def __init__(self, *given: object, known: Callable[[str], bool], **named: object) -> None:
        super().__init__(*given, **named)
        self._known = known

    def clean_answer(self) -> str:
        """A code that is there."""
        code: str = self.cleaned_data["answer"].strip().upper()
        if not self._known(code):
            raise forms.ValidationError(_("There is no such area among yours."))
        return code


class AddressForm(Form):
    """Where a household is found, in words."""

    address = forms.CharField(
        label=gettext_lazy("Address, or how to find it"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("Leave it empty if it is not needed."),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "autocomplete": "off"}),
    )


class ReasonForm(Form):
    """Why something is changed."""

    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=200,
        help_text=gettext_lazy("No names and no numbers of people here."),
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )
