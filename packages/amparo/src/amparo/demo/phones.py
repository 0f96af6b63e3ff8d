"""After the demo's month: what a newcomer needs to try the two phone apps, and the invented bank that pays their shop.

The next month's food aid is decided and approved; some of the town's households claim theirs, so that there is a crowd; then the
claiming window passes and the practice clock runs on from there. One household's aid is left for the newcomer, who gets its
enrolment code, as the office gives it to somebody with a new phone; and a new shop waits for its till. Safe to repeat.
"""

import contextlib
import secrets
import threading
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from amparo.demo.month import VERSION
from amparo.demo.people import People
from amparo.demo.story import Stage
from amparo.errors import NobodyLeft
from amparo.folder import APPS
from amparo.installation import CycleTotals, wait_for
from amparo.phone_apps import publish
from amparo.town import FOOD
from amparo_rules.starter import NAMES
from amparo_service.client import Client
from amparo_service.errors import RemoteError, Unreachable
from amparo_service.keys import replace_file
from amparo_till.enrolment import TillEnrolment, write_enrolment
from amparo_wallet.wallet import must_wait

CYCLE = "2026-11"
FOOD_PROGRAMME = NAMES[0]
DECIDED = datetime(2026, 11, 2, 9, tzinfo=UTC)
AS_OF = date(2026, 11, 2)
# After the claiming window of a day and a half.
OPEN = datetime(2026, 11, 4, 9, tzinfo=UTC)
KEYSET_ENDS = int(datetime(2027, 2, 28, 23, 59, 59, tzinfo=UTC).timestamp())
CROWD = 24
LEAST = 2_000
SHOP = {"name": "Bodega Sol", "account": "ES7921000813610123456789", "units": [FOOD]}
BANK_SECONDS = 5.0


class PhonesReady(msgspec.Struct, frozen=True):
    """What the newcomer gets: the two addresses, the household's code, its aid in minor units, and the shop's code."""

    wallet: str
    till: str
    household: str
    code: str
    aid: int
    shop: str
    shop_code: str


def make_ready(stage: Stage) -> PhonesReady:
    """Prepare the next month. Raises what the services refuse."""
    path = stage.folder.root / "phones.json"
    if path.exists():
        known = msgspec.json.decode(path.read_bytes(), type=PhonesReady)
        wallet, till = (stage.installation.services.url(name) for name in APPS)
        return msgspec.structs.replace(known, wallet=wallet, till=till)
    publish(stage.installation)
    stage.clock.set(DECIDED)
    _decide(stage)
    people = People(stage)
    home, aid = _claim_all_but_one(people)
    code = stage.installation.staff("registrar").post("/enrolment-codes", {"refs": [home]}, dict[str, str])[home]
    shop = stage.installation.finance().post("/shops", SHOP, dict[str, str])
    services = stage.installation.services
    enrolment = TillEnrolment(
        shop=shop["shop"],
        name=str(SHOP["name"]),
        access=shop["access"],
        units=[FOOD],
        mint=services.url("mint"),
        shops=services.url("shops"),
        log=services.url("log"),
        vkey=services.vkey,
    )
    wallet, till = (stage.installation.services.url(name) for name in APPS)
    ready = PhonesReady(wallet, till, home, code, aid, shop["shop"], write_enrolment(enrolment))
    replace_file(path, msgspec.json.encode(ready))
    path.chmod(0o600)
    stage.clock.run(OPEN)
    return ready


def _decide(stage: Stage) -> None:
    """Decide the next month's food aid, have a second person approve it, and open its keyset."""
    manager, approver = (stage.installation.staff(role) for role in ("programme-manager", "approver"))
    asked = {"programme": FOOD_PROGRAMME, "version": VERSION, "cycle": CYCLE, "as_of": AS_OF.isoformat()}
    wait_for(manager, manager.post("/cycles", asked, dict[str, int])["job"], CycleTotals, progress=stage.progress)
    approval = {"programme": FOOD_PROGRAMME, "cycle": CYCLE, "small_crowds_known": True}
    approver.post("/cycles/approve", approval, CycleTotals)
    keyset = {"unit": FOOD, "period": CYCLE, "final_expiry": KEYSET_ENDS}
    stage.installation.mint_operator().post("/operate/keysets", keyset, dict[str, str])


def _claim_all_but_one(people: People) -> tuple[str, int]:
    """Some households with a phone claim; the first with enough aid is left for the newcomer. Its reference and its aid."""
    left: tuple[str, int] | None = None
    waiting: list[str] = []
    for home in people.homes("phone = 1"):
        wallet = people.wallet(home.ref)
        for paper in wallet.papers():
            receipt = wallet.check(paper)
            if receipt.cycle != CYCLE or not paper.approved or not receipt.amount:
                continue
            if left is None and receipt.amount >= LEAST and not paper.claimed:
                left = (home.ref, receipt.amount)
            elif len(waiting) < CROWD:
                waiting.append(home.ref)
        if left and len(waiting) == CROWD:
            break
    for patient in (True, False):
        for ref in waiting:
            _claim(people, ref, patient=patient)
    if left is None:
        raise NobodyLeft("No household of this town has food aid in the next month.")
    return left


def _claim(people: People, ref: str, *, patient: bool) -> None:
    wallet = people.wallet(ref)
    for paper in wallet.papers():
        receipt = wallet.check(paper)
        if receipt.cycle != CYCLE or not wallet.is_due(paper, receipt):
            continue
        try:
            wallet.claim(paper, spread=True, hurry=True)
        except RemoteError as error:
            if not (patient and must_wait(error)):
                raise


class Bank:
    """The invented bank: every few seconds it pays what the newcomer's shop has asked for. Used as a context."""

    def __init__(self, stage: Stage) -> None:
        self._finance = stage.installation.finance()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._pay_on, name="bank", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _pay_on(self) -> None:
        while not self._ended.wait(BANK_SECONDS):
            # Nothing to settle, or a service that is starting again: the next turn comes soon.
            with contextlib.suppress(RemoteError, Unreachable):
                pay_once(self._finance)


def pay_once(finance: Client) -> None:
    """One settlement run of food aid, confirmed by the bank. Raises what the shops side refuses, also when nothing is asked for."""
    run = f"{CYCLE}-{FOOD}-{secrets.token_hex(4)}"
    finance.post("/settlements", {"run": run, "unit": FOOD}, dict[str, Any])
    finance.post(f"/settlements/{run}/confirm", {}, dict[str, Any])
