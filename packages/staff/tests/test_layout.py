"""What every page has: language, navigation, files, words for what goes wrong; and long lists."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.template import engines
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.utils import translation
from tests.servers.desk import member

from amparo_common.errors import AmparoError
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.errors import AlreadyDecided
from amparo_staff.jobs.models import Job
from amparo_staff.layout import faults, navigation
from amparo_staff.layout.assets import address, assets
from amparo_staff.layout.exports import csv_pieces, xlsx_pieces
from amparo_staff.layout.lists import page_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


# --- language ------------------------------------------------------------------------------------------------------------


def test_a_page_speaks_what_the_browser_asks_for_and_spanish_when_it_asks_for_none(browser: Client) -> None:
    assert b'<html lang="es" dir="ltr">' in browser.get(reverse("sign-in")).content
    assert b'<html lang="ar" dir="rtl">' in browser.get(reverse("sign-in"), HTTP_ACCEPT_LANGUAGE="ar").content


def test_a_member_is_spoken_to_in_their_language_and_can_choose_another(browser: Client) -> None:
    who = member(Role.REGISTRAR)
    browser.force_login(who)
    assert b'lang="en" dir' in browser.get("/").content
    answer = browser.post(reverse("choose-language"), {"language": "ar", "next": "/"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert b'<html lang="ar" dir="rtl">' in browser.get("/").content
    assert StaffMember.objects.get(id=who.id).language == "ar"


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.invalid/", "//elsewhere.invalid/", "/\\elsewhere.invalid", "javascript:x"]
)
def test_the_choice_of_language_never_leads_elsewhere(browser: Client, wanted: str) -> None:
    answer = browser.post(reverse("choose-language"), {"language": "fr", "next": wanted})
    assert answer["Location"] == "/"


def test_an_unknown_language_changes_nothing(browser: Client) -> None:
    answer = browser.post(reverse("choose-language"), {"language": "xx", "next": "/"})
    assert not answer.cookies


# --- navigation ----------------------------------------------------------------------------------------------------------


def test_a_member_sees_the_entries_that_their_roles_open(browser: Client) -> None:
    seen = {}
    for role in (Role.ADMINISTRATOR, Role.SHOP_MANAGER):
        request: Any = RequestFactory().get("/jobs/")
        request.user = member(role)
        seen[role] = {entry.url: entry.here for entry in navigation.shown(request)}
    assert [url for url, here in seen[Role.SHOP_MANAGER].items() if here] == ["/jobs/"]
    assert reverse("trail") in seen[Role.ADMINISTRATOR]
    assert reverse("trail") not in seen[Role.SHOP_MANAGER]


def test_who_is_not_signed_in_sees_no_entries(browser: Client) -> None:
    assert b'class="bar"' not in browser.get(reverse("sign-in")).content


# --- files ---------------------------------------------------------------------------------------------------------------


def test_files_carry_the_hash_of_what_they_hold_and_are_kept_for_a_year(browser: Client) -> None:
    for name in ("amparo.css", "icons.svg", "job.js", "mark.svg"):
        answer = browser.get(address(name))
        assert answer.content == assets()[name].content
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    packed = browser.get(address("amparo.css"), HTTP_ACCEPT_ENCODING="gzip")
    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) < 5 * 1024
    assert browser.get("/static/amparo.000000000000.css").status_code == 404


def test_the_style_knows_no_left_and_no_right() -> None:
    style = assets()["amparo.css"].content.decode()
    for word in ("left", "right", "text-align: start;x", "@keyframes", "transition", "animation", "url("):
        assert word not in style.replace("Right-to-left", "").replace("right-to-left", ""), word


# --- what goes wrong -----------------------------------------------------------------------------------------------------


def test_an_unknown_address_says_what_why_and_what_to_do(browser: Client) -> None:
    answer = browser.get("/no/such/page", HTTP_ACCEPT_LANGUAGE="en")
    assert answer.status_code == 404
    for words in ("There is nothing here", "The address is wrong", "Check the address", "<h1>"):
        assert words in answer.content.decode()


def test_a_page_of_another_role_says_what_why_and_what_to_do(browser: Client) -> None:
    browser.force_login(member(Role.SHOP_MANAGER))
    answer = browser.get(reverse("trail"))
    assert answer.status_code == 403
    assert "Ask a colleague with that role" in answer.content.decode()


def test_a_deliberate_error_becomes_a_page_in_the_language_of_the_member(desk_database: str) -> None:
    request: Any = RequestFactory().get("/")
    request.user, request.csp_nonce, request.session = member(Role.REGISTRAR), "x", {}
    pages = faults.FaultPages(lambda _: (_ for _ in ()).throw(AssertionError))
    with translation.override("es"):
        answer = pages.process_exception(request, AlreadyDecided("This was decided already."))
        assert answer is not None
        assert answer.status_code == 409
        assert "staff.already_decided" in answer.content.decode()
        assert translation.gettext("This was decided already.") in answer.content.decode()


def test_an_unexpected_error_tells_its_type_to_the_log_and_nothing_else(
    desk_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    request: Any = RequestFactory().get("/")
    pages = faults.FaultPages(lambda _: (_ for _ in ()).throw(AssertionError))
    assert pages.process_exception(request, ValueError("María")) is None
    assert [record.getMessage() for record in caplog.records] == ["unexpected ValueError"]
    answer = faults.failed(request)
    assert answer.status_code == 500
    assert "María" not in answer.content.decode()


def test_an_error_without_reason_is_still_a_page(desk_database: str) -> None:
    assert faults.error_words(AmparoError("It failed."))["why"] == ""


# --- forms ---------------------------------------------------------------------------------------------------------------


class Small(forms.Form):
    """Two fields."""

    word = forms.CharField(label="A word", help_text="As written.")
    pick = forms.MultipleChoiceField(label="Some", choices=[("a", "A")], widget=forms.CheckboxSelectMultiple)


def test_a_refused_form_has_a_summary_that_leads_to_its_fields(desk_database: str) -> None:
    with translation.override("en"):
        shown = str(Small({}))
    assert 'href="#id_word"' in shown
    assert 'href="#id_pick_0"' in shown
    assert 'aria-invalid="true"' in shown
    assert 'aria-describedby="id_word_helptext id_word_error"' in shown or 'aria-describedby="id_word_error' in shown
    assert 'id="id_word_helptext"' in shown
    assert 'id="id_word_error"' in shown


def test_what_was_typed_is_never_run(desk_database: str) -> None:
    shown = str(Small({"word": '"><script>', "pick": ["<b>"]}))
    assert "<script>" not in shown
    assert "<b>" not in shown


def test_a_tag_says_its_state_in_a_word_and_a_glyph(desk_database: str) -> None:
    shown = engines["django"].from_string('{% load layout %}{% tag "bad" word %}').render({"word": "<Failed>"})
    assert "&lt;Failed&gt;" in shown
    assert "#warn" in shown


# --- long lists ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(desk_database: str) -> list[str]:
    """120 jobs, several at the same moment; their ids in the list's order."""
    rows = [Job(kind=f"k{number}", added=NOON + timedelta(minutes=number // 7)) for number in range(120)]
    Job.objects.bulk_create(rows)
    return [str(each) for each in Job.objects.order_by("-added", "id").values_list("id", flat=True)]


def turn(query: str) -> Any:
    """A page of the jobs."""
    return page_of(Job.objects.all(), ("-added", "id"), QueryDict(query))


def test_pages_forward_and_back_show_every_row_once(many: list[str]) -> None:
    page, seen, marks = turn(""), [], []
    while True:
        seen += [str(row.id) for row in page.rows]
        marks.append(page)
        if not page.after:
            break
        page = turn(f"after={page.after}")
    assert seen == many
    assert [len(each.rows) for each in marks] == [50, 50, 20]
    back = turn(f"before={page.before}")
    assert [row.id for row in back.rows] == [row.id for row in marks[1].rows]
    first = turn(f"before={back.before}")
    assert ([row.id for row in first.rows], first.before) == ([row.id for row in marks[0].rows], "")


@pytest.mark.parametrize("mark", ["x", "!!!", "WzFd", "WyJ4IiwieSJd", "W10", "A" * 500, "bnVsbA"])
def test_a_mark_that_cannot_be_read_shows_the_first_page(many: list[str], mark: str) -> None:
    for name in ("after", "before"):
        assert [str(row.id) for row in turn(f"{name}={mark}").rows] == many[:50]


def test_a_list_costs_one_query(many: list[str], django_queries: Any) -> None:
    with django_queries() as queries:
        turn("")
    assert len(queries) == 1


@pytest.fixture
def django_queries() -> Any:
    """Counts queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    return lambda: CaptureQueriesContext(connection)


# --- a list as a file ----------------------------------------------------------------------------------------------------


def test_a_list_as_csv_runs_no_formula() -> None:
    text = b"".join(csv_pieces(["Name", "Count"], [("=HYPERLINK(1)", 3), ("سلمى", None), ("-1", -1)])).decode(
        "utf-8-sig"
    )
    assert text.splitlines() == ["Name,Count", "'=HYPERLINK(1),3", "سلمى,", "'-1,-1"]


def test_a_list_as_xlsx_holds_texts_and_numbers() -> None:
    whole = b"".join(xlsx_pieces(["Name"], [("=1+1",), (7,), ("https://x.invalid",)]))
    sheet = zipfile.ZipFile(io.BytesIO(whole)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert ">7<" in sheet


def test_a_long_csv_comes_in_pieces() -> None:
    pieces = list(csv_pieces(["A"], ([f"{number:0100}"] for number in range(5000))))
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 80 * 1024


def test_the_page_of_all_components_is_for_practice_only(browser: Client) -> None:
    with override_settings(PRACTICE=False):
        assert browser.get("/components/").status_code == 404
