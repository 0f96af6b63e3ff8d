"""There is one register, the desk's: cycles decide about it, codes and cards are for its people, what it erases is gone here."""

import contextlib
import json
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from packages.office.tests.conftest import HOME_COLUMNS, NOON, PERSON_COLUMNS, Town, WalletKey, csv_file, no_progress
from tests.servers.desk import use
from tests.servers.postgres import PostgresServer

from amparo_common.signing import read_unverified
from amparo_office import people
from amparo_office.desk import place
from amparo_office.errors import EarlierLayout, HolderUnknown, RegisterDestroyed
from amparo_office.register import erasure
from amparo_office.register.models import Access, Household, Individual, Origin
from amparo_office.register.sealing import Identity, Name
from amparo_office.register.service import NewHousehold, NewIndividual, enrol, leave, make_origin, move
from amparo_office.register.vault import vault
from amparo_office.store import open_database
from amparo_service.errors import Unreachable

BORN = 7_306


def at_the_desk(name: str, *, heads: int = 1, income: int = 5_000, by_phone: bool = True) -> Household:
    """A household enrolled as the desk does it, of one person."""
    origin = make_origin(Origin.Kind.DESK, source="desk", day=NOON.date(), by=None)
    relationship = "HEAD" if heads else "UNKNOWN"
    identity = Identity(names=[Name(given=name)], language="fr")
    one = NewIndividual(identity=identity, relationship=relationship, birth_date=BORN, birth_precision="day")
    new = NewHousehold(by_phone=by_phone, facts={"monthly_income": income, "rooms": 2}, members=[one])
    return enrol(new, origin=origin, by=None, at=NOON)


def decided(town: Town, number: int = 1) -> dict[int, dict[str, object]]:
    """What each household's receipt says, by the household's number."""
    rows = town.rows(f"SELECT household, receipt FROM decision WHERE cycle = {number} ORDER BY place")
    return {household: json.loads(read_unverified(receipt)) for household, receipt in rows}


def test_who_was_enrolled_at_the_desk_is_decided_gets_a_wallet_and_a_card(town: Town) -> None:
    town.publish()
    home = at_the_desk("Awa Diop")
    wallet = town.enrolled(home.ref)
    town.decide()
    ((number, receipt),) = decided(town).items()
    assert (number, receipt["declared"]) == (home.id, {"source": "desk", "date": str(NOON.date())})
    ((_, _, amount),) = [(paper.bundle, paper.approved, paper.amount) for paper in town.claims.papers(wallet.papers())]
    assert amount > 0
    printed, _ = town.card_office(sealed=True).print_all(no_progress)
    assert printed.cards == 1


def test_a_reference_is_taken_however_it_was_typed_or_as_the_imported_list_has_it(ready: Town) -> None:
    home = Household.objects.order_by("id")[0]
    typed = home.ref.lower().replace("-", " ")
    assert people.numbers_of([typed, home.ref, "H0", "H9", ""]) == {typed: home.id, home.ref: home.id, "H0": home.id}


def test_a_reference_of_two_lists_means_nobody(ready: Town) -> None:
    files = (
        csv_file(HOME_COLUMNS, [("H0", "", "1", "1")]),
        csv_file(PERSON_COLUMNS, [("H0", "A", "", "", "", "", "yes", "")]),
    )
    other = (
        "source: school\ndate: 2026-10-01\nhousehold: {ref: ref}\nindividual: {household: home, facts: {is_head: head}}"
    )
    ready.take_in(*files, mapping=other)
    assert people.numbers_of(["H0", "H1"]).keys() == {"H1"}


def test_who_left_is_not_decided_and_gets_no_card_and_no_code(ready: Town) -> None:
    gone, emptied, last = Household.objects.order_by("id")
    leave(gone.id, version=1, reason="moved away", by=None, at=NOON)
    everybody = list(emptied.members.values_list("id", flat=True))
    leave(emptied.id, version=1, members=everybody, reason="moved away", by=None, at=NOON)
    ready.decide()
    assert list(decided(ready)) == [last.id]
    assert people.numbers_of([gone.ref]) == {}
    named = {number for number, _, _ in people.names(NOON)}
    assert named == set(last.members.values_list("id", flat=True))


def test_small_batches_hold_every_household_once_in_order(ready: Town) -> None:
    whole = [row for some in people.batches(after=0, size=100) for row in some]
    assert [row.number for row in whole] == sorted(Household.objects.values_list("id", flat=True))
    assert [row for some in people.batches(after=0, size=1) for row in some] == whole
    assert [row.number for some in people.batches(after=whole[0].number, size=1) for row in some] == [
        row.number for row in whole[1:]
    ]
    assert [member["is_head"] for member in whole[0].members] == [1, 0]


def test_printing_cards_is_in_everybodys_list_of_accesses(ready: Town) -> None:
    ready.card_office(sealed=True).print_all(no_progress)
    entry = Access.objects.get()
    assert (entry.purpose, entry.kinds, entry.everybody) == ("card", ["facts", "names"], True)


def test_what_the_register_erased_is_gone_here_and_the_batch_still_adds_up(ready: Town) -> None:
    wallet, other = ready.enrolled("H0"), ready.enrolled("H2")
    ready.decide()
    ready.clock.set(ready.clock.now() + timedelta(days=1))
    ready.cycles.approve("food-basket", "2026-11", approver="luz")
    ready.claims.claim(wallet.claim("q1"))
    ready.card_office(sealed=True).print_all(no_progress)
    codes = ready.claims.new_codes(["H0"])
    first = Household.objects.order_by("id")[0]
    persons = list(first.members.values_list("id", flat=True))
    before = ready.rows("SELECT place, amount, leaf FROM decision ORDER BY place")
    erasure.erase_household(first.id, by=None, at=NOON)
    assert ready.claims.forget_erased() > 0
    assert ready.claims.forget_erased() == 0
    for table in ("holder", "claim", "enrolment_code"):
        assert ready.rows(f"SELECT * FROM {table} WHERE household = {first.id}") == []
    assert ready.rows(f"SELECT receipt FROM decision WHERE household = {first.id}") == [("",)]
    assert not set(persons) & {row[0] for row in ready.rows("SELECT person FROM card")}
    with pytest.raises(HolderUnknown):
        ready.claims.papers(wallet.papers())
    assert codes
    assert ready.rows("SELECT place, amount, leaf FROM decision ORDER BY place") == before
    assert ready.claims.claim(other.claim("q2")) > 0


def test_a_member_who_was_erased_leaves_no_card_and_the_household_goes_on(ready: Town) -> None:
    wallet = ready.enrolled("H0")
    ready.decide()
    ready.card_office(sealed=True).print_all(no_progress)
    head = Household.objects.order_by("id")[0].members.order_by("id")[0]
    erasure.erase_individual(head.id, by=None, at=NOON)
    assert ready.claims.forget_erased() == 1
    assert head.id not in {row[0] for row in ready.rows("SELECT person FROM card")}
    assert len(ready.claims.papers(wallet.papers())) == 1


def test_an_old_backup_of_the_office_forgets_the_erased_again(ready: Town, tmp_path: Path) -> None:
    ready.enrolled("H0")
    ready.close()
    backup = tmp_path / "backup.sqlite"
    shutil.copy(ready.folder / "office.sqlite", backup)
    ready.open()
    erasure.erase_household(Household.objects.order_by("id")[0].id, by=None, at=NOON)
    assert ready.claims.forget_erased() == 1
    ready.close()
    shutil.copy(backup, ready.folder / "office.sqlite")
    ready.open()
    assert ready.claims.forget_erased() == 1
    assert ready.rows("SELECT * FROM holder") == []


def test_another_register_makes_the_office_forget_nobody(ready: Town, migrated_file: Path) -> None:
    ready.enrolled("H0")
    shutil.copy(migrated_file, ready.folder / "empty.sqlite")
    use(place.database("", ready.folder / "empty.sqlite"))
    assert not Household.objects.exists()
    assert ready.claims.forget_erased() == 0
    assert len(ready.rows("SELECT * FROM holder")) == 1


def test_a_register_that_is_away_is_said_and_nothing_is_forgotten(ready: Town) -> None:
    ready.enrolled("H0")
    use(place.database("postgresql://nobody@127.0.0.1:1/none"))
    for asked in (ready.decide, ready.claims.forget_erased, lambda: ready.claims.new_codes(["H0"])):
        with pytest.raises(Unreachable, match="The register"):
            asked()
    use(place.database("", ready.folder / "register.sqlite"))
    assert len(ready.rows("SELECT * FROM holder")) == 1
    assert ready.decide().households == 3


def test_after_the_emergency_nobody_is_decided_or_printed(ready: Town) -> None:
    vault().destroy_all()
    with pytest.raises(RegisterDestroyed):
        ready.decide()
    with pytest.raises(RegisterDestroyed):
        ready.card_office(sealed=True).print_all(no_progress)
    assert ready.rows("SELECT * FROM decision") == []


def test_a_month_on_postgresql(town: Town, migrated_postgres: PostgresServer) -> None:
    settings = place.database(migrated_postgres.copy_database("desk", f"month_{town.folder.name}"[:50].lower()))
    use(settings)
    town.publish()
    town.register(5)
    wallet = town.enrolled("H0")
    assert town.decide().households == 5
    assert len(town.claims.papers(wallet.papers())) == 1
    assert town.card_office(sealed=True).print_all(no_progress)[0].cards == 5
    erasure.erase_household(Household.objects.order_by("id")[0].id, by=None, at=NOON)
    assert town.claims.forget_erased() > 0


def test_a_folder_with_a_register_of_its_own_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "office.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.execute("CREATE TABLE household (number INTEGER PRIMARY KEY)")
        old.commit()
    before = path.read_bytes()
    with pytest.raises(EarlierLayout):
        open_database(path)
    assert path.read_bytes() == before


def test_a_wallet_bound_to_a_household_stays_when_somebody_moves_out(ready: Town) -> None:
    wallet: WalletKey = ready.enrolled("H0")
    home, other, _ = Household.objects.order_by("id")
    moving = Individual.objects.filter(household=home).exclude(relationship="HEAD").get()
    said = {"relationship": "OTHER", "reason": "grown up", "origin_source": "desk"}
    move(moving.id, other.id, version=1, by=None, at=NOON, **said)
    ready.decide()
    assert len(ready.claims.papers(wallet.papers())) == 1
    sizes = {number: len(receipt["facts"]["members"]) for number, receipt in decided(ready).items()}  # type: ignore[index]
    assert (sizes[home.id], sizes[other.id]) == (1, 2)
