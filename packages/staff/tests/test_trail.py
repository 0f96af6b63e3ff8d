"""The trail of the staff: whole with writers at once, and every change of it shows."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client
from packages.staff.tests.staff_desk import NOON, at_once, person, sign_in, standing_clock

from amparo_common.clock import FixedClock
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.errors import TrailBroken
from amparo_staff.trail.models import TrailEntry
from amparo_staff.trail.service import FIRST, Head, entry_hash, head, note, verify

CANARIES = ("Rosa Quispe", "+50370001234", "04567890-1")


@pytest.fixture
def clock() -> Iterator[FixedClock]:
    with standing_clock() as standing:
        yield standing


def written(count: int, *, by: StaffMember | None = None, action: str = "test.deed") -> list[TrailEntry]:
    return [
        note(action, by=by, at=NOON + timedelta(minutes=number), subject=f"H-{number}", details={"count": number})
        for number in range(count)
    ]


# --- the chain -----------------------------------------------------------------------------------------------------------


def test_entries_are_numbered_without_a_gap_and_each_covers_the_one_before(desk_database: str) -> None:
    made = written(3)
    assert [entry.number for entry in made] == [1, 2, 3]
    assert [entry.previous for entry in made] == [FIRST, made[0].hash, made[1].hash]
    assert verify() == head() == Head(3, made[2].hash)


def test_an_empty_trail_is_whole(desk_database: str) -> None:
    assert verify() == head() == Head(0, FIRST)


def test_what_comes_back_from_the_database_has_the_hash_that_was_written(desk_database: str) -> None:
    member = StaffMember.objects.create(login="ana", name="Ana")
    late = datetime(2026, 11, 22, 12, 0, 0, 987654, tzinfo=NOON.tzinfo)
    note("test.deed", by=member, at=late, subject="é✓", details={"a": None, "b": True, "c": 7, "d": "ñ"})
    entry = TrailEntry.objects.get()
    assert entry_hash(entry) == entry.hash


def test_with_writers_at_once_the_chain_stays_whole(desk_database: str) -> None:
    results = at_once([lambda: written(10)] * 4)
    assert not [each for each in results if isinstance(each, Exception)]
    assert verify().count == 40


def test_a_deed_that_is_taken_back_takes_its_entry_along_and_leaves_no_gap(desk_database: str) -> None:
    def half() -> None:
        with transaction.atomic():
            written(1)
            raise RuntimeError

    results = at_once([half, lambda: written(5), half, lambda: written(5)])
    assert [type(each) for each in results] == [RuntimeError, list, RuntimeError, list]
    assert verify().count == 10


def change_details() -> int:
    TrailEntry.objects.filter(number=3).update(details={"count": 99})
    return 3


def change_member() -> int:
    TrailEntry.objects.filter(number=3).update(member=None)
    return 3


def change_time() -> int:
    TrailEntry.objects.filter(number=3).update(at=NOON - timedelta(days=1))
    return 3


def remove_one() -> int:
    TrailEntry.objects.filter(number=3).delete()
    return 3


def remove_first() -> int:
    TrailEntry.objects.filter(number=1).delete()
    return 1


def exchange_two() -> int:
    TrailEntry.objects.filter(number=3).update(number=30)
    TrailEntry.objects.filter(number=4).update(number=3)
    TrailEntry.objects.filter(number=30).update(number=4)
    return 3


def remove_and_close_up() -> int:
    TrailEntry.objects.filter(number=3).delete()
    for number in (4, 5, 6):
        TrailEntry.objects.filter(number=number).update(number=number - 1)
    return 3


def put_in() -> int:
    last = TrailEntry.objects.get(number=6)
    TrailEntry.objects.create(number=7, at=NOON, action="test.made", previous=last.hash, hash="0" * 64)
    return 7


def change_with_its_hash() -> int:
    entry = TrailEntry.objects.get(number=3)
    entry.subject = "H-99"
    entry.hash = entry_hash(entry)
    entry.save()
    return 4


@pytest.mark.parametrize(
    "harm",
    [
        change_details,
        change_member,
        change_time,
        remove_one,
        remove_first,
        exchange_two,
        remove_and_close_up,
        put_in,
        change_with_its_hash,
    ],
)
def test_a_changed_removed_exchanged_or_added_entry_is_found(desk_database: str, harm: Callable[[], int]) -> None:
    member = StaffMember.objects.create(login="ana", name="Ana")
    written(6, by=member)
    first_wrong = harm()
    with pytest.raises(TrailBroken) as found:
        verify()
    assert found.value.number == first_wrong


def rewrite(after: int) -> None:
    """Write the trail anew from an entry on, with right hashes: what only a published head can show."""
    previous = TrailEntry.objects.get(number=after).hash
    for entry in TrailEntry.objects.filter(number__gt=after).order_by("number"):
        entry.subject, entry.previous = "H-other", previous
        entry.hash = previous = entry_hash(entry)
        entry.save()


def test_a_cut_or_rewritten_end_is_found_by_a_published_head(desk_database: str) -> None:
    written(4)
    published = head()
    written(2)
    assert verify([published, head(), Head(0, FIRST)]).count == 6
    rewrite(after=4)
    assert verify([published]).count == 6
    rewrite(after=2)
    assert verify().count == 6
    with pytest.raises(TrailBroken) as found:
        verify([published])
    assert found.value.number == 4
    TrailEntry.objects.filter(number__gt=3).delete()
    assert verify().count == 3
    with pytest.raises(TrailBroken) as found:
        verify([published])
    assert found.value.number == 4


# --- the page --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_administrator_and_auditor_read_the_trail_and_nobody_else(
    browser: Client, clock: FixedClock, role: Role
) -> None:
    browser.force_login(person("eva", role))
    assert browser.get("/trail").status_code == (200 if role in (Role.ADMINISTRATOR, Role.AUDITOR) else 403)


def rows(page: str) -> list[str]:
    return page.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>")[1:]


def test_fifty_entries_a_page_and_the_next_page_goes_on_where_it_ended(browser: Client, clock: FixedClock) -> None:
    auditor = person("eva", Role.AUDITOR)
    written(120, by=auditor)
    browser.force_login(auditor)
    seen: list[int] = []
    address = "/trail?action=test.deed"
    while address:
        page = browser.get(address).content.decode()
        assert len(rows(page)) <= 50
        seen += [int(row.partition("<bdi>")[2].partition("</bdi>")[0]) for row in rows(page)]
        onward = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        address = f"/trail{onward}" if onward else ""
    assert seen == list(range(120, 0, -1))


def test_filters_stand_in_the_address_and_the_file_holds_exactly_what_they_show(
    browser: Client, clock: FixedClock
) -> None:
    auditor = person("eva", Role.AUDITOR)
    other = StaffMember.objects.create(login="ben", name="=Ben")
    written(3, by=auditor)
    written(2, by=other)
    note("test.other", by=other, at=NOON + timedelta(days=1))
    note("test.other", by=None, at=NOON + timedelta(days=2))
    browser.force_login(auditor)
    for address, count in (
        (f"/trail?member={other.id}", 3),
        (f"/trail?member={other.id}&action=test.deed", 2),
        ("/trail?action=test.other", 2),
        ("/trail?action=test.other&from=2026-11-23&to=2026-11-23", 1),
        ("/trail?action=test.other&from=2026-11-24", 1),
        ("/trail?from=nonsense&member=nonsense&action=test.other", 2),
    ):
        assert len(rows(browser.get(address).content.decode())) == count, address
        lines = list(csv.DictReader(io.StringIO(browser.get(f"{address}&format=csv").getvalue().decode("utf-8-sig"))))
        assert len(lines) == count, address
        assert not any(line["member"].startswith("=") for line in lines)


def test_reading_the_trail_and_taking_it_away_are_in_the_trail(browser: Client, clock: FixedClock) -> None:
    browser.force_login(person("eva", Role.AUDITOR))
    browser.get("/trail")
    assert browser.get("/trail?format=csv").getvalue()
    actions = list(TrailEntry.objects.order_by("number").values_list("action", flat=True))
    assert actions == ["trail.read", "trail.taken"]
    assert verify().count == 2


def test_every_deed_about_accounts_leaves_an_entry_without_a_name(browser: Client, clock: FixedClock) -> None:
    person("ana", Role.ADMINISTRATOR)
    browser.force_login(StaffMember.objects.get(login="ana"))
    browser.post("/members/add", {"login": "rosa.quispe", "name": CANARIES[0], "language": "es"})
    made = StaffMember.objects.get(login="rosa.quispe")
    browser.post(f"/members/{made.id}/disable")
    browser.post(f"/members/{made.id}/enable", {"reason": CANARIES[1]})
    sign_in(browser, "rosa.quispe", CANARIES[2])
    said = str(list(TrailEntry.objects.values()))
    assert [each for each in (*CANARIES, "rosa") if each in said] == []
    actions = set(TrailEntry.objects.values_list("action", flat=True))
    assert {"account.added", "account.disabled", "account.enabled"} <= actions
