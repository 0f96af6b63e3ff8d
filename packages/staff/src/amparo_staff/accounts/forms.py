"""The forms of accounts. What is typed is checked here for its shape; whether it is allowed, `service` decides."""

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from amparo_staff.accounts.passwords import LONGEST
from amparo_staff.accounts.role_words import role_name
from amparo_staff.accounts.roles import Role
from amparo_staff.accounts.service import AREA, LOGIN, PROGRAMME, Wanted, plain_login
from amparo_staff.layout.words import LANGUAGES

_LOGIN_HINT = gettext_lazy("Small letters, digits, dot or dash. At least 3 signs.")
_PASSWORD_HINT = gettext_lazy("12 letters or signs at least. Three or four words are good.")


def _login(hint: Any = "") -> forms.CharField:
    look = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}
    return forms.CharField(
        label=gettext_lazy("Log-in name"), max_length=64, help_text=hint, widget=forms.TextInput(attrs=look)
    )


def _old_password() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def _new_password(label: Any, hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=LONGEST,
        help_text=hint,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


def _code(label: Any, hint: Any = "") -> forms.CharField:
    look = {"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false", "dir": "ltr"}
    return forms.CharField(label=label, max_length=40, help_text=hint, widget=forms.TextInput(attrs=look))


def reason_field() -> forms.CharField:
    """Why somebody asks for something."""
    return forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        help_text=gettext_lazy("Write no names of people in the register."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class _WithNewPassword(forms.Form):
    """A new password, typed twice."""

    def clean(self) -> dict[str, Any] | None:
        """Whether both are the same."""
        clean = super().clean() or {}
        if clean.get("password") != clean.get("again"):
            self.add_error("again", gettext("The two passwords are not the same."))
        return clean


class SignInForm(forms.Form):
    """Log-in name and password."""

    login = _login()
    password = _old_password()
    next = forms.CharField(required=False, widget=forms.HiddenInput)


class CodeForm(forms.Form):
    """A one-time code in place of the passkey."""

    code = _code(gettext_lazy("One-time code"), gettext_lazy("One of the codes that you wrote down for this."))


class ChoosePasswordForm(_WithNewPassword):
    """A code that was handed over, and the new password."""

    login = _login()
    code = _code(gettext_lazy("Code"), gettext_lazy("An administrator gave it to you. It is good for one day."))
    password = _new_password(gettext_lazy("New password"), _PASSWORD_HINT)
    again = _new_password(gettext_lazy("New password, again"))


class FirstForm(_WithNewPassword):
    """The first administrator."""

    code = _code(gettext_lazy("Code"), gettext_lazy("It stands where the server was started."))
    login = _login(_LOGIN_HINT)
    name = forms.CharField(label=gettext_lazy("Your name"), max_length=120)
    password = _new_password(gettext_lazy("Password"), _PASSWORD_HINT)
    again = _new_password(gettext_lazy("Password, again"))

    def clean_login(self) -> str:
        """The log-in name in its one form."""
        return clean_login(self.cleaned_data["login"])


class ChangePasswordForm(_WithNewPassword):
    """The present password, and the new one."""

    old = _old_password()
    password = _new_password(gettext_lazy("New password"), _PASSWORD_HINT)
    again = _new_password(gettext_lazy("New password, again"))
    field_order = ("old", "password", "again")


class ConfirmForm(forms.Form):
    """The present password, to show that it is the member who sits there."""

    password = _old_password()


class AddPasskeyForm(forms.Form):
    """A new passkey: what the browser made, and what its member calls it."""

    label = forms.CharField(
        label=gettext_lazy("Name of the passkey"),
        max_length=60,
        help_text=gettext_lazy("For example: blue key, phone."),
    )
    password = _old_password()
    answer = forms.CharField(required=False, widget=forms.HiddenInput)


class MemberForm(forms.Form):
    """A new member of staff."""

    login = _login()
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=list(LANGUAGES.items()))

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.fields["login"].help_text = str(_LOGIN_HINT)

    def clean_login(self) -> str:
        """The log-in name in its one form."""
        return clean_login(self.cleaned_data["login"])


class ReasonForm(forms.Form):
    """Why."""

    reason = reason_field()


def clean_login(typed: str) -> str:
    """A new log-in name in its one form. Raises `ValidationError`."""
    login = plain_login(typed)
    if not LOGIN.fullmatch(login):
        raise forms.ValidationError(gettext("Use small letters, digits, dot or dash, at least 3 signs."))
    return login


class RoleForm(forms.Form):
    """One row of a member's roles; an empty role takes the row away."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), required=False, choices=())
    area = forms.CharField(label=gettext_lazy("Area code"), required=False, max_length=32)
    programme = forms.CharField(label=gettext_lazy("Programme"), required=False, max_length=64)

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        choices = [("", gettext("No role"))] + [(role.value, role_name(role)) for role in Role]
        self.fields["role"] = forms.ChoiceField(label=gettext_lazy("Role"), required=False, choices=choices)
        self.order_fields(["role", "area", "programme"])

    def clean_area(self) -> str:
        """A P-code."""
        area = str(self.cleaned_data["area"]).strip().upper()
        if not AREA.fullmatch(area):
            raise forms.ValidationError(gettext("An area code has letters and digits only."))
        return area

    def clean_programme(self) -> str:
        """A programme's short name."""
        programme = str(self.cleaned_data["programme"]).strip().lower()
        if not PROGRAMME.fullmatch(programme):
            raise forms.ValidationError(gettext("A programme has a short name: small letters, digits, dash."))
        return programme

    def wanted(self) -> Wanted | None:
        """The role that this row asks for."""
        role = self.cleaned_data.get("role")
        return Wanted(Role(role), self.cleaned_data["area"], self.cleaned_data["programme"]) if role else None


RoleRows = forms.formset_factory(RoleForm, extra=3, max_num=40, absolute_max=40)
