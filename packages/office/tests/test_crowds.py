"""Nobody is nearly alone with an amount unseen: the approver is told, says that it is known, or bands are published."""

import pytest
from packages.office.tests.conftest import HOME_COLUMNS, MAPPING, PERSON_COLUMNS, Town, csv_file, no_progress, working

from amparo_common.bridge import AidApproved
from amparo_office.crowds import Crowd, CrowdReport, offer, report
from amparo_office.errors import CrowdsTooSmall, CycleUnknown, NotDecided, NothingToBand
from amparo_rules.rule import read_rule

FOUND = [
    Crowd(amount=4_400, phone=True, households=30),
    Crowd(amount=4_400, phone=False, households=20),
    Crowd(amount=5_000, phone=True, households=19),
    Crowd(amount=9_800, phone=False, households=1),
]


def village(town: Town, sizes: dict[int, int], *, phone: str = "sí") -> None:
    """Households by their size: so many of each."""
    homes, people = [], []
    for size, count in sizes.items():
        for number in range(count):
            ref = f"{phone}{size}-{number}"
            homes.append((ref, phone, "0", "2"))
            people += [(ref, "Ana", "Díaz", "", "es", "1990-01-02", "no" if n else "sí", "no") for n in range(size)]
    town.take_in(csv_file(HOME_COLUMNS, homes), csv_file(PERSON_COLUMNS, people), mapping=MAPPING)


def strict(town: Town, smallest_crowd: int = 3) -> Town:
    town.smallest_crowd = smallest_crowd
    town.reopen()
    town.publish()
    return town


def approvals(town: Town) -> list[AidApproved]:
    return [body for _, body in town.log.view().approvals]


def noted(town: Town) -> list[tuple[object, ...]]:
    return town.rows("SELECT approver, crowd_asked, small_crowds FROM cycle")


def test_crowds_are_counted_apart_for_phones_and_paper() -> None:
    assert report(FOUND, asked=20) == CrowdReport(amounts=3, smallest=1, asked=20, below=20)
    assert report(FOUND, asked=1) == CrowdReport(amounts=3, smallest=1, asked=1, below=0)
    assert report([], asked=20) == CrowdReport(amounts=0, smallest=0, asked=20, below=0)


def test_an_offer_costs_what_its_bands_give() -> None:
    found = offer(FOUND, crowd=20)
    assert (found.bands, found.total) == ([9_800], 70 * 9_800)
    assert offer(FOUND, crowd=1).total == sum(each.amount * each.households for each in FOUND)


def test_a_payment_with_a_small_crowd_is_approved_only_by_somebody_who_says_that_it_is_known(town: Town) -> None:
    village(strict(town), {1: 3, 2: 3, 9: 1})
    cycle = town.decide()
    assert town.cycles.crowds(cycle) == CrowdReport(amounts=3, smallest=1, asked=3, below=1)
    with pytest.raises(CrowdsTooSmall, match=r"^1 households .* fewer than 3 .* smallest crowd is 1"):
        town.cycles.approve("food-basket", "2026-11", approver="luz")
    assert approvals(town) == []
    assert noted(town) == [(None, None, None)]
    done = town.cycles.approve("food-basket", "2026-11", approver="luz", small_crowds_known=True)
    assert (done.approver, done.crowd_asked, done.small_crowds) == ("luz", 3, 1)
    assert len(approvals(town)) == 1
    # Who asks again is told that it is approved, and the note stays that of the first.
    assert town.cycles.approve("food-basket", "2026-11", approver="sol") == done


def test_a_payment_among_large_enough_crowds_needs_no_such_word(town: Town) -> None:
    village(strict(town), {1: 3, 2: 4})
    town.decide()
    town.cycles.approve("food-basket", "2026-11", approver="luz")
    assert noted(town) == [("luz", 3, 0)]


def test_a_household_on_paper_is_not_hidden_by_those_with_a_phone(town: Town) -> None:
    village(strict(town), {2: 5})
    village(town, {2: 2}, phone="no")
    assert town.cycles.crowds(town.decide()) == CrowdReport(amounts=1, smallest=2, asked=3, below=2)


def test_households_that_get_nothing_are_no_crowd(town: Town) -> None:
    strict(town)
    homes = csv_file(HOME_COLUMNS, [("H1", "sí", "90000", "2")])
    town.take_in(homes, csv_file(PERSON_COLUMNS, [("H1", "Ana", "Díaz", "", "", "1990-01-02", "sí", "no")]))
    cycle = town.decide()
    assert town.cycles.crowds(cycle) == CrowdReport(amounts=0, smallest=0, asked=3, below=0)
    with pytest.raises(NothingToBand):
        town.cycles.bands("food-basket", "2026-11", crowd=3, version="2026.2")


def test_bands_that_were_offered_and_published_let_the_next_cycle_be_approved(town: Town) -> None:
    village(strict(town), {1: 3, 2: 3, 5: 2, 9: 1})
    town.decide()
    found = town.cycles.bands("food-basket", "2026-11", crowd=3, version="2026.2")
    assert found.total == 3 * 3_800 + 3 * 4_400 + 2 * 6_200 + 8_600
    assert [(each.crowd, each.bands) for each in found.offers] == [
        (3, [3_800, 4_400, 8_600]),
        (20, [8_600]),
        (50, [8_600]),
        (100, [8_600]),
    ]
    assert found.offers[0].total == 3 * 3_800 + 3 * 4_400 + 3 * 8_600
    assert approvals(town) == []
    rule = town.publish(found.rule)
    assert (rule.text.version, rule.budget) == ("2026.2", found.budget)
    as_of = town.clock.now().date()
    cycle = town.cycles.decide(rule.rule_hash, "2026-12", as_of=as_of, maker="maker", progress=no_progress)
    assert (cycle.total, town.cycles.crowds(cycle).below) == (found.offers[0].total, 0)
    town.cycles.approve("food-basket", "2026-12", approver="luz")
    assert len(approvals(town)) == 1


def test_only_a_decided_cycle_has_bands(town: Town) -> None:
    rule = strict(town).programmes.in_force(town.programmes.newest("food-basket", "2026.1"))
    with pytest.raises(CycleUnknown):
        town.cycles.bands("food-basket", "2026-11", crowd=3, version="2026.2")
    town.cycles.open(rule, "2026-11", as_of=town.clock.now().date(), maker="ana")
    with pytest.raises(NotDecided):
        town.cycles.bands("food-basket", "2026-11", crowd=3, version="2026.2")


def test_the_same_through_http(town: Town) -> None:
    village(strict(town), {1: 3, 9: 1})
    with working(town):
        through_http(town)


def through_http(town: Town) -> None:
    asked = {"programme": "food-basket", "version": "2026.1", "cycle": "2026-11", "as_of": "2026-11-01"}
    job = town.ask("programme-manager", "POST", "/cycles", asked).json()["job"]
    crowds = {"amounts": 2, "smallest": 1, "asked": 3, "below": 1}
    assert town.finish(job)["result"]["crowds"] == crowds
    body = {"programme": "food-basket", "cycle": "2026-11"}
    refused = town.ask("approver", "POST", "/cycles/approve", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "office.crowds_too_small")
    offered = town.ask("approver", "POST", "/cycles/bands", body | {"crowd": 4, "version": "2026.2"}).json()
    assert read_rule(offered["rule"]).text.version == "2026.2"
    assert offered["offers"][0] == {"crowd": 4, "bands": [8_600], "total": 4 * 8_600}
    for wrong in ({"crowd": 0}, {"version": ""}):
        asked_wrong = body | {"crowd": 4, "version": "2026.2"} | wrong
        assert town.ask("approver", "POST", "/cycles/bands", asked_wrong).status_code == 400
    done = town.ask("approver", "POST", "/cycles/approve", body | {"small_crowds_known": True}).json()
    assert (done["approved"], done["crowds"]) == (True, crowds)
