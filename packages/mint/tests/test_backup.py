"""A backup that is put back never makes spent tokens spendable again: by accident the mint does not start, on purpose it takes
nothing of the old keysets."""

import asyncio
import shutil
from datetime import UTC, datetime

import pytest
from packages.mint.tests.conftest import FOOD, MINT_KEY, RENT, Town, Wallet, refused

from amparo_mint.assemble import choose_store
from amparo_mint.calendar import GRACE_SECONDS, CalendarSettings
from amparo_mint.errors import DatabaseTooOld
from amparo_mint.model import KeysetRow
from amparo_mint.operate import NOTE, Operation
from amparo_service.errors import BadRequest

END = int(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


class Story:
    """Somebody holds aid, a backup is made, then some of the aid is spent."""

    def __init__(self, town: Town, *, keyset: str = "") -> None:
        self.town, self.wallet = town, Wallet(town)
        self.keyset = keyset or str(town.http.get("/v1/keysets").json()["keysets"][0]["id"])
        self.spent = self.wallet.receive(self.keyset, 8)
        self.kept = self.wallet.receive(self.keyset, 16)
        town.operate("/operate/backup", {"path": str(town.folder / "backup.sqlite")})
        self.change = self.wallet.swap(self.spent, self.wallet.split(self.keyset, 8))

    def put_back(self) -> None:
        """Stop the mint and put the backup in the place of its database; the newest one is set aside."""
        self.town.http.__exit__(None, None, None)
        shutil.copy2(self.town.folder / "mint.sqlite", self.town.folder / "newest.sqlite")
        self._put("backup.sqlite")

    def put_newest_back(self) -> None:
        """The newest database was found: the mint starts on it."""
        self._put("newest.sqlite")
        self.town.open()
        assert self.wallet.state(self.spent) == ["SPENT"]

    def _put(self, name: str) -> None:
        for rest in ("mint.sqlite-wal", "mint.sqlite-shm"):
            (self.town.folder / rest).unlink(missing_ok=True)
        shutil.copy2(self.town.folder / name, self.town.folder / "mint.sqlite")

    def does_not_start(self) -> None:
        """The mint refuses this database, in words."""
        with pytest.raises(DatabaseTooOld):
            self.town.open()

    def accept_backup(self) -> list[KeysetRow]:
        """What `python -m amparo_mint.restored` does."""

        async def accept() -> list[KeysetRow]:
            store = choose_store("sqlite", self.town.folder)
            await store.open()
            town = self.town
            operation = Operation(town.folder, store, town.signer, key=MINT_KEY, log=town.log, shops=town.shops)
            try:
                return await operation.accept_backup()
            finally:
                await store.close()

        return asyncio.run(accept())


@pytest.fixture
def story(sqlite_town: Town) -> Story:
    """A town whose mint has done more than its backup knows."""
    return Story(sqlite_town)


def test_a_mint_does_not_start_on_an_older_database(story: Story) -> None:
    story.put_back()
    story.does_not_start()
    story.put_newest_back()


def test_the_public_log_betrays_an_old_database_when_the_whole_folder_is_old(story: Story) -> None:
    story.wallet.receive(story.keyset, 4)
    story.town.operate("/operate/figures", {"period": "2026-11"})
    story.put_back()
    (story.town.folder / NOTE).unlink()
    story.does_not_start()
    story.put_newest_back()


def test_an_accepted_backup_takes_no_token_twice_and_new_keysets_work(story: Story) -> None:
    town, wallet = story.town, story.wallet
    story.put_back()
    assert [row.id for row in story.accept_backup()] == [story.keyset]
    town.open()
    for proofs in (story.spent, story.kept, story.change):
        total = sum(proof.amount for proof in proofs)
        fresh = town.new_keyset("2026-12")
        body = wallet.swap_body(proofs, wallet.split(fresh, total))
        refusal = town.http.post("/v1/swap", content=body)
        assert (refusal.status_code, refusal.json()["error"]) == (400, "token.keyset_expired")
    assert wallet.state(wallet.receive(town.new_keyset("2026-12"), 16)) == ["UNSPENT"]
    town.operate("/operate/figures", {"period": "2026-12"})
    assert story.keyset not in {body.keyset for _, body in town.log.view().mint_figures}


def test_a_mint_that_nobody_put_back_is_not_frozen_by_a_slip(story: Story) -> None:
    story.town.http.__exit__(None, None, None)
    with pytest.raises(BadRequest, match="no backup that was put back"):
        story.accept_backup()
    story.town.open()
    assert story.wallet.state(story.kept) == ["UNSPENT"]
    story.wallet.swap(story.kept, story.wallet.split(story.keyset, 16))


def test_a_keyset_that_was_opened_after_the_backup_takes_nothing_either(story: Story) -> None:
    """The calendar, or the operator, would make the same keyset again, without one spent token."""
    town, wallet = story.town, story.wallet
    december = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    later = town.run(lambda: town.operation.announce_keyset(FOOD, "2026-12", END, december))
    town.run(lambda: town.operation.activate(later))
    by_hand = town.new_keyset("by hand", unit=RENT)
    town.run(town.server.use_keysets)
    spent = wallet.receive(later, 8)
    wallet.swap(spent, wallet.split(later, 8))
    story.put_back()
    assert {row.id for row in story.accept_backup()} == {story.keyset, later, by_hand}
    town.open()
    town.server._calendar = CalendarSettings(units=[FOOD])
    town.clock.set(datetime(2026, 12, 2, tzinfo=UTC))
    town.run(town.server.keep_calendar)
    assert not [each for each in town.http.get("/v1/keysets").json()["keysets"] if each["active"]]
    for body in ({"unit": FOOD, "period": "2026-12", "final_expiry": END}, {"unit": RENT, "period": "by hand"}):
        asked = town.http.post("/operate/keysets", json=body, headers=town.as_operator())
        refused(asked, 10000, "service.bad_request")
    fresh = town.new_keyset("2026-12, again")
    swapped = town.http.post("/v1/swap", content=wallet.swap_body(spent, wallet.split(fresh, 8)))
    refused(swapped, 12003, "token.keyset_expired")


def test_a_mint_starts_on_an_accepted_backup_from_before_a_keyset_was_closed(sqlite_town: Town) -> None:
    """Its keys were destroyed since: nothing is asked of it but its last figures."""
    town = sqlite_town
    short = town.new_keyset("december", final_expiry=END)
    story = Story(town, keyset=short)
    town.clock.set(datetime.fromtimestamp(END + GRACE_SECONDS + 1, UTC))
    town.operate("/operate/keysets/close", {"keyset": short})
    story.put_back()
    story.accept_backup()
    town.open()
    town.run(town.server.keep_calendar)
    shown = [each["id"] for each in town.http.get("/v1/keysets").json()["keysets"]]
    assert short not in shown
    assert [row.state for row in town.run(town.store.keysets) if row.id == short] == ["closed"]
    last = [body for _, body in town.log.view().mint_figures if body.keyset == short][-1]
    assert (last.issued, last.outstanding, last.expired) == (24, 0, 24)


def test_a_frozen_keyset_is_closed_with_what_the_log_says_was_left(sqlite_town: Town) -> None:
    """The backup knows less than was published: its own sums would take back what everybody has read."""
    town = sqlite_town
    short = town.new_keyset("december", final_expiry=END)
    story = Story(town, keyset=short)
    later = story.wallet.receive(short, 4)
    deposit = story.wallet.deposit_body(story.wallet.deposit_quote(4), later)
    assert town.http.post("/v1/melt/settle", content=deposit).json()["state"] == "PAID"
    town.operate("/operate/figures", {"period": "2026-11"})
    story.put_back()
    story.accept_backup()
    town.open()
    town.clock.set(datetime.fromtimestamp(END + GRACE_SECONDS + 1, UTC))
    for _ in range(2):
        town.operate("/operate/keysets/close", {"keyset": short})
    last = [body for _, body in town.log.view().mint_figures if body.keyset == short][-1]
    assert (last.issued, last.redeemed, last.outstanding, last.expired) == (28, 4, 0, 24)
    assert last.period == "2026-12"
