"""What a wallet sees of the world: a real log over its real HTTP edge, an office that keeps its rules or lies, a mint."""

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import numpy as np
import pytest
from packages.purse.tests.conftest import MINT_KEY, Coiner, PaperMint
from starlette.applications import Starlette

from amparo_common import canonical
from amparo_common.bridge import DecisionsMade, KeyAnnounced, RulePublished, SignedMessage, sign_for_log
from amparo_common.clock import FixedClock, to_text
from amparo_common.signing import SigningKey, VerifyingKey, read_kid, read_unverified, verify_compact
from amparo_log.follow import LogFollower
from amparo_log.http import routes
from amparo_log.note import NoteSigner
from amparo_log.service import Publisher, TransparencyLog
from amparo_log.store import SCHEMA as LOG_SCHEMA
from amparo_rules.batch import Columns, column, evaluate_batch
from amparo_rules.evaluate import Household
from amparo_rules.receipt import Declared, Frame, ReceiptBundle, Subject, receipt_signer, write_receipts
from amparo_rules.rule import Plan, RuleFile, read_rule
from amparo_rules.starter import starter
from amparo_rules.sumtree import SumTree, leaf
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_wallet.wallet import SCHEMA, WALLET_TYP, AskPapers, Claim, Enrol, Paper, Wallet

PUBLISHED = datetime(2026, 10, 20, 12, tzinfo=UTC)
DECIDED = datetime(2026, 11, 1, 9, tzinfo=UTC)
AS_OF = date(2026, 11, 1)
OFFICE_KEY, RECEIPT_KEY, STRANGER = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
LOG_SIGNER = NoteSigner("town.example/log", bytes(range(32)))
RULE = read_rule(starter("food-basket"))
OFFICE_KINDS = frozenset({"key-announced", "fact-defined", "rule-published", "decisions-made", "aid-approved"})
MINT_KINDS = frozenset({"key-announced", "keyset-announced", "mint-figures"})
# Three households: one head with a small child, one that is too rich, one person alone.
BORN, SMALL = 7_306, 19_844
HOMES = [
    Household(
        facts={"monthly_income": 5_050, "rooms": 2, "roof_type": 4},
        members=[
            {"birth_date": BORN, "is_head": 1, "disability": 0},
            {"birth_date": SMALL, "is_head": 0, "disability": None},
        ],
    ),
    Household(
        facts={"monthly_income": 9_000_000, "rooms": None, "roof_type": 1},
        members=[{"birth_date": BORN, "is_head": 1, "disability": 0}],
    ),
    Household(
        facts={"monthly_income": 0, "rooms": 1, "roof_type": None},
        members=[{"birth_date": None, "is_head": 1, "disability": 1}],
    ),
]
AMOUNTS = [5_600, 0, 5_300]


class InProcess(httpx2.BaseTransport):
    """Carries requests to an application in this process; what comes back is what a network would bring."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request to the application, on an event loop of its own."""
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        return asyncio.run(self._call(request.method, request.url.path, headers, request.read()))

    async def _call(self, method: str, path: str, headers: Any, body: bytes) -> httpx2.Response:
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
        status, parts = 0, []
        told: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status, told
            status, told = message.get("status", status), message.get("headers", told)
            parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return httpx2.Response(status, headers=told, content=b"".join(parts))


class PowerCut(BaseException):
    """The phone dies here. Not an `Exception`: nothing may catch it."""


class Fragile(httpx2.BaseTransport):
    """A network at whose `countdown`-th step the phone dies. A step is the moment before a request leaves, and the moment
    after the other side has done it."""

    countdown: int | None = None

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass the request on, unless the phone dies."""
        self.step()
        response = self._inner.handle_request(request)
        self.step()
        return response

    @classmethod
    def step(cls) -> None:
        """One step nearer."""
        if cls.countdown is not None:
            cls.countdown -= 1
            if cls.countdown == 0:
                cls.countdown = None
                raise PowerCut


class PaperOffice(httpx2.BaseTransport):
    """The office as a wallet sees it: one household's papers for whoever enrolled with `code`. It checks signatures; `pays`
    is told of every claim; `answer` may change what it says to one."""

    def __init__(self, pays: Callable[[str], None]) -> None:
        self.code = "the-code"
        self.holder: VerifyingKey | None = None
        self.papers: list[Paper] = []
        self.claims: list[Claim] = []
        self.answer: int | None = None
        self._pays = pays

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request of a wallet."""
        token = request.read().decode()
        if request.url.path == "/wallet/enrol":
            asked = canonical.decode(read_unverified(token), Enrol)
            key = VerifyingKey(asked.jwk)
            verify_compact(token, key, typ=WALLET_TYP)
            if asked.code != self.code:
                return self._refuse("office.unknown_enrolment_code")
            self.holder = key
            return httpx2.Response(200, json={"enrolled": True})
        if self.holder is None or read_kid(token) != self.holder.kid:
            return self._refuse("office.unknown_holder")
        payload = verify_compact(token, self.holder, typ=WALLET_TYP)
        if request.url.path == "/wallet/papers":
            canonical.decode(payload, AskPapers)
            return httpx2.Response(200, content=msgspec.json.encode(self.papers))
        return self._claim(canonical.decode(payload, Claim))

    def _claim(self, claim: Claim) -> httpx2.Response:
        known = next((each for each in self.claims if each.cycle == claim.cycle), None)
        if known is not None and known != claim:
            return self._refuse("office.already_claimed")
        if known is None:
            self.claims.append(claim)
            self._pays(claim.quote)
        amount = next(paper.amount for paper in self.papers)
        return httpx2.Response(200, json={"amount": self.answer if self.answer is not None else amount})

    def _refuse(self, code: str) -> httpx2.Response:
        return httpx2.Response(403, json={"code": code, "what": "No.", "why": "", "todo": ""})


class CarelessLog(TransparencyLog):
    """A log that lets in what it should not: readers must see for themselves who says what."""

    def _check_first_key(self, message: SignedMessage) -> None:
        """Everybody whom it knows may say anything."""


class Town:
    """A log with a rule and a keyset in it, an office, a mint, and one phone. `reopen` restarts the phone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FixedClock(PUBLISHED)
        self._phones: list[Database] = []
        self._log_database = Database(folder / "log.sqlite", [LOG_SCHEMA])
        publishers = {
            STRANGER.kid: Publisher(STRANGER.public, OFFICE_KINDS),
            OFFICE_KEY.kid: Publisher(OFFICE_KEY.public, OFFICE_KINDS),
            MINT_KEY.kid: Publisher(MINT_KEY.public, MINT_KINDS),
        }
        self.log = CarelessLog(self._log_database, LOG_SIGNER, publishers=publishers, clock=self.clock)
        self.log_wire = InProcess(make_app(routes(self.log, practice=True)))
        self.say(KeyAnnounced(purpose="mint", jwk=MINT_KEY.public.jwk), MINT_KEY)
        self.coiner = Coiner("usd")
        self.mint = PaperMint(self.coiner)
        self.say(self.coiner.announcement(), MINT_KEY)
        self.office = PaperOffice(self.mint.pay)
        self.open()

    def open(self) -> None:
        """Start the phone."""
        self.database = Database(self.folder / "phone.sqlite", [SCHEMA])
        client = Client("http://log", transport=self.log_wire, patience=0)
        self.follower = LogFollower(client, LOG_SIGNER.vkey, self.folder / "log-seen")
        self.wallet = self.named("ours")

    def named(self, name: str, *, database: Database | None = None) -> Wallet:
        """A wallet on this phone, or in another database."""
        return Wallet(
            database or self.database,
            name,
            office=Client("http://office", transport=Fragile(self.office), patience=0),
            mint=Client("http://mint", transport=Fragile(self.mint), patience=0),
            log=self.follower,
            vkey=LOG_SIGNER.vkey,
            clock=self.clock,
        )

    def new_phone(self) -> Wallet:
        """Another phone, with an empty wallet in a file of its own."""
        self._phones.append(Database(self.folder / f"phone-{len(self._phones)}.sqlite", [SCHEMA]))
        return self.named("ours", database=self._phones[-1])

    def close(self) -> None:
        """Stop the phones and the log."""
        for phone in self._phones:
            phone.close()
        self.database.close()
        self._log_database.close()

    def reopen(self) -> None:
        """Stop and start the phone."""
        self.database.close()
        self.open()

    def rest(self) -> None:
        """Let so much time pass that claims and exchanges keep nothing back any more."""
        purse = self.wallet.purse
        moments = [purse.quiet_until(), purse.claim_from(), *(until for until, _ in purse.resting("usd"))]
        self.clock.set(max(self.clock.now(), datetime.fromtimestamp(max(moments), UTC)))

    # --- as the office ----------------------------------------------------------------------------

    def say(self, body: Any, key: SigningKey = OFFICE_KEY) -> int:
        """Publish a message."""
        message: SignedMessage = sign_for_log(body, key)
        return self.log.append(message)

    def introduce(self) -> None:
        """The office announces its keys."""
        self.say(KeyAnnounced(purpose="office", jwk=OFFICE_KEY.public.jwk))
        self.say(KeyAnnounced(purpose="receipts", jwk=RECEIPT_KEY.public.jwk))

    def publish_rule(self, rule: RuleFile = RULE, **changes: Any) -> None:
        """Publish a rule, perhaps with something else in the entry."""
        body = RulePublished(
            programme=rule.programme,
            version=rule.text.version,
            rule_hash=rule.rule_hash,
            notice_days=rule.notice_days,
            file=rule.source,
        )
        self.say(msgspec.structs.replace(body, **changes))

    def decide(
        self,
        *,
        cycle: str = "2026-11",
        rule: RuleFile = RULE,
        change: Callable[[int, dict[str, Any]], None] = lambda _place, _receipt: None,
        key: SigningKey = RECEIPT_KEY,
        publish: bool = True,
        logged: datetime = DECIDED,
        **batch_changes: Any,
    ) -> list[ReceiptBundle]:
        """Decide the three households and publish their batch, honestly or not: `change` may alter a receipt before it is
        signed with `key`, `batch_changes` alter what is published, and the log takes it in at the moment `logged`."""
        plan = rule.plan(AS_OF)
        frame = Frame(rule=rule, cycle=cycle, as_of=AS_OF, decided_at=to_text(DECIDED))
        declared = Declared(source="registry", date="2026-10-01")
        holder = None if self.office.holder is None else self.office.holder.kid
        subjects = [Subject(f"H{n}", holder, declared, home) for n, home in enumerate(HOMES)]
        signer, tokens, leaves = receipt_signer(key), [], []
        for place, payload in enumerate(write_receipts(frame, plan, subjects, evaluate_batch(plan, _columns(plan)))):
            content = msgspec.json.decode(payload)
            change(place, content)
            tokens.append(signer.sign(canonical.encode(content)))
            leaves.append((leaf(tokens[-1].encode(), content["amount"]), content["amount"]))
        tree = SumTree(leaves)
        batch = DecisionsMade(
            programme=rule.programme,
            cycle=cycle,
            rule_hash=rule.rule_hash,
            as_of=AS_OF.isoformat(),
            root=tree.root,
            households=tree.count,
            eligible=sum(amount > 0 for _, amount in leaves),
            total=tree.total,
            unit=rule.unit,
        )
        if publish:
            self.clock.set(logged)
            self.say(msgspec.structs.replace(batch, **batch_changes))
        return [ReceiptBundle(receipt=token, batch=tree.proof(place)) for place, token in enumerate(tokens)]

    def hand_out(self, bundle: ReceiptBundle, amount: int, *, approved: bool = True) -> Paper:
        """Put a receipt among the household's papers."""
        paper = Paper(bundle=bundle, amount=amount, unit=RULE.unit, approved=approved, claimed=False)
        self.office.papers.append(paper)
        return paper


def _columns(plan: Plan) -> Columns:
    members = [(place, member) for place, home in enumerate(HOMES) for member in home.members]
    return Columns(
        count=len(HOMES),
        household={n: column([home.facts[n] for home in HOMES], kind) for n, kind in plan.household_inputs.items()},
        owner=np.array([place for place, _ in members], dtype=np.int64),
        person={n: column([member[n] for _, member in members], kind) for n, kind in plan.person_inputs.items()},
    )


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A town whose office has introduced itself and published its rule; nothing is decided."""
    made = Town(tmp_path)
    made.introduce()
    made.publish_rule()
    yield made
    made.close()


@pytest.fixture
def enrolled(town: Town) -> Town:
    """The same with a wallet that has one approved paper of 56.00."""
    town.wallet.enrol(town.office.code)
    town.hand_out(town.decide()[0], AMOUNTS[0])
    return town
