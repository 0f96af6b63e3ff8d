"""The cheats of the demo, each really tried against the running services and refused with its own error.

Nothing here changes a total: what succeeds would be seen (`NotRefused` ends the demo). Cheats that need a dishonest operator
run a changed copy of that service beside the honest one: a rewritten log, a register whose amounts were raised.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from amparo.demo.dishonest import copy_of_office, raise_amount, rewritten_log, rogue_token, running
from amparo.demo.market import OFFLINE, Market, Purchase, Stall
from amparo.demo.month import CYCLE
from amparo.demo.people import People
from amparo.demo.story import Figures, Stage
from amparo.errors import JobFailed, NotRefused
from amparo.installation import import_source
from amparo.sources import Source
from amparo.town import FOOD
from amparo_cashu.nut00_token import Token
from amparo_cashu.wire import Proof
from amparo_common import canonical
from amparo_common.bridge import QuotePaid, seal
from amparo_common.errors import AmparoError
from amparo_common.ids import QuoteId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey, read_unverified, sign_compact
from amparo_log.client import LogReader
from amparo_log.note import NoteVerifier
from amparo_purse.purse import Purse
from amparo_rules.receipt import RECEIPT_TYP
from amparo_rules.starter import starter
from amparo_service.client import Client
from amparo_service.errors import RemoteError
from amparo_wallet.receipts import Evidence, check_evidence
from amparo_wallet.wallet import WALLET_TYP, Claim


class Refusal(msgspec.Struct, frozen=True):
    """A cheat that was tried, the error that refused it, and the words."""

    cheat: str
    error: str
    words: str


def refused(cheat: str, attempt: Callable[[], object], *expected: str) -> Refusal:
    """Try a cheat. Raises `NotRefused` unless it is refused with one of the expected codes."""
    try:
        attempt()
    except AmparoError as error:
        code = _code(error)
        if code not in expected:
            raise NotRefused(f"“{cheat}” was refused for another reason: {code}.") from error
        return Refusal(cheat, code, error.what)
    raise NotRefused(f"“{cheat}” was not refused.")


def _code(error: AmparoError) -> str:
    match error:
        case RemoteError():
            return error.stable_code
        case JobFailed():
            return error.remote_code
        case _:
            return error.code


def try_to_cheat(stage: Stage) -> tuple[str, Figures]:
    """Day 31: everything that must be refused is tried."""
    stage.on(31, 12)
    cheats = Cheats(stage)
    tries = cheats.all()
    found = []
    for number, attempt in enumerate(tries, start=1):
        found += attempt()
        stage.progress(number, len(tries))
    shutil.rmtree(cheats.folder)
    rows = [{"tried": each.cheat, "refused with": each.error} for each in found]
    return f"{len(found)} cheats were tried for real; each was refused with its own error.", {"refused": rows}


def _forged(proof: Proof) -> Proof:
    """The same signature under a secret that was never signed."""
    return msgspec.structs.replace(proof, secret=proof.secret[::-1] + "0")


class Cheats:
    """All cheats over one finished month."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._people = People(stage)
        self._market = Market(stage, self._people)
        self.folder = stage.folder.root / "cheats"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()

    def all(self) -> list[Callable[[], list[Refusal]]]:
        """The cheats, in the order of the story."""
        return [
            self.spend_twice,
            self.forge,
            self.rogue_keyset,
            self.change_a_fact,
            self.change_a_rule,
            self.rewrite_the_log,
            self.raise_an_amount,
            self.claim_too_much,
            self.register_party,
        ]

    # --- tokens ---------------------------------------------------------------------------------------------------------

    def _sold(self, mode: str) -> tuple[Purchase, Stall, Stall]:
        """A finished purchase of food, the shop where it was, and another shop."""
        row = self._people.rows(
            "SELECT number, home, unit, amount, shop, day, mode, state, code FROM purchase"
            " WHERE (mode = ?1) = (?2 = ?1) AND unit = ?3 AND state = 'done' ORDER BY number LIMIT 1",
            OFFLINE,
            mode,
            FOOD,
        )[0]
        purchase = Purchase(*row)
        stalls = self._market.stalls()
        other = next(stall for stall in stalls if FOOD in stall.units and stall.number != purchase.shop)
        return purchase, stalls[purchase.shop], other

    def _token(self) -> tuple[Token, Purchase, Stall]:
        purchase, _, other = self._sold("online")
        return self._market.read(purchase, purchase.code or ""), purchase, other

    def spend_twice(self) -> list[Refusal]:
        """The same code in a second shop, and the same locked code again."""
        token, purchase, other = self._token()
        second = self._market.till(other)
        found = [
            refused(
                "a token spent twice, in two shops",
                lambda: second.accept_online(token, second.request(purchase.amount, FOOD)),
                "token.already_spent",
            )
        ]
        try:
            locked, first, other = self._sold(OFFLINE)
        except IndexError:
            return found  # a very small town may have sold nothing offline
        code = self._market.read(locked, locked.code or "")
        same, third = self._market.till(first), self._market.till(other)
        return [
            *found,
            refused(
                "the same offline code twice in one shop",
                lambda: same.accept_offline(code, same.request(locked.amount, FOOD)),
                "till.taken_before",
            ),
            refused(
                "an offline code in a shop that it is not locked to",
                lambda: third.accept_offline(code, third.request(locked.amount, FOOD)),
                "till.not_locked_to_this_shop",
            ),
        ]

    def forge(self) -> list[Refusal]:
        """Genuine signatures under other secrets: with a connection the mint sees it, without one the till itself."""
        token, purchase, other = self._token()
        till = self._market.till(other)
        fake = msgspec.structs.replace(token, proofs=[_forged(proof) for proof in token.proofs])
        found = [
            refused(
                "a forged token",
                lambda: till.accept_online(fake, till.request(purchase.amount, FOOD)),
                "token.proof_false",
            )
        ]
        try:
            locked, stall, _ = self._sold(OFFLINE)
        except IndexError:
            return found  # a very small town may have sold nothing offline
        code = self._market.read(locked, locked.code or "")
        alone = self._market.till(stall)
        cut = msgspec.structs.replace(code, proofs=[_forged(proof) for proof in code.proofs])
        return [
            *found,
            refused(
                "a forged token, at a till without a connection",
                lambda: alone.accept_offline(cut, alone.request(locked.amount, FOOD)),
                "token.signature_not_proved",
            ),
        ]

    def rogue_keyset(self) -> list[Refusal]:
        """A mint that signs with a key of its own for one person: refused by the till and by the wallet."""
        till = self._market.till(self._market.stalls()[0])
        rogue = rogue_token(self._people.mint_url)
        purse = Purse(self._people.database, "cheated", mint=rogue.mint, log=self._people.log)
        return [
            refused(
                "a token under a keyset that is not in the log",
                lambda: till.accept_online(rogue.token, till.request(rogue.token.proofs[0].amount, FOOD)),
                "token.keyset_not_in_log",
            ),
            refused(
                "a mint that marks one person with a key of their own",
                lambda: purse.keys.active(FOOD),
                "token.keyset_not_in_log",
            ),
        ]

    # --- decisions --------------------------------------------------------------------------------------------------------

    def change_a_fact(self) -> list[Refusal]:
        """A receipt with one changed fact: as it is, and signed again with the office's own stolen key."""
        evidence = msgspec.json.decode((self._stage.papers / "receipt-yes.json").read_bytes(), type=Evidence)
        payload = msgspec.json.decode(read_unverified(evidence.bundle.receipt))
        member = payload["facts"]["members"][0]
        member[min(member)] = "1901-01-01"
        head, _, signature = evidence.bundle.receipt.split(".")
        office = SigningKey.from_pem((self._stage.folder.service("office") / "receipt-key.pem").read_bytes())
        resigned = sign_compact(canonical.encode(payload), office, typ=RECEIPT_TYP)
        changed = ".".join((head, resigned.split(".")[1], signature))
        vkey = self._stage.installation.services.vkey

        def check(receipt: str) -> None:
            bundle = msgspec.structs.replace(evidence.bundle, receipt=receipt)
            check_evidence(msgspec.structs.replace(evidence, bundle=bundle), vkey)

        return [
            refused("a receipt with one changed fact", lambda: check(changed), "rules.receipt_signature_false"),
            refused(
                "the same, signed again with the office's own key",
                lambda: check(resigned),
                "rules.does_not_follow_rule",
                "rules.not_in_batch",
            ),
        ]

    def change_a_rule(self) -> list[Refusal]:
        """A published version with another limit."""
        manager = self._stage.installation.staff("programme-manager")
        changed = starter("food-basket").replace('budget: "1500000.00"', 'budget: "9500000.00"')
        return [
            refused(
                "a rule changed after publication",
                lambda: manager.post("/programmes", {"rule": changed}, dict[str, object]),
                "office.version_already_published",
            )
        ]

    def rewrite_the_log(self) -> list[Refusal]:
        """The log's operator dates a rule back and signs a new history with the log's own key."""
        services = self._stage.installation.services
        _, seen = self._people.log.checkpoint()
        folder = rewritten_log(self._stage.folder.service("log"), self.folder / "log")
        with running("log", folder) as url:
            reader = LogReader(Client(url), NoteVerifier(services.vkey), seen=seen)
            return [refused("a log rewritten and signed again with its own key", reader.update, "log.rewritten")]

    def raise_an_amount(self) -> list[Refusal]:
        """The office raises one household's amount after the approval: in its database, and in its message to the mint."""
        (holder, paid) = self._people.rows(
            "SELECT wallet.holder_key, quote.amount FROM quote JOIN wallet ON wallet.name = quote.wallet"
            " WHERE programme = 'food-basket' AND done = 1 ORDER BY quote.wallet LIMIT 1"
        )[0]
        folder = copy_of_office(self._stage.folder.service("office"), self.folder / "office")
        key = SigningKey.from_pem(holder)
        raise_amount(folder, key.public.kid, "food-basket", CYCLE, paid * 3)
        claim = Claim(programme="food-basket", cycle=CYCLE, quote="0" * 32)
        asked = sign_compact(canonical.encode(claim), key, typ=WALLET_TYP)
        with running("office", folder, clock=self._stage.folder.clock) as url:
            office = Client(url)
            first = refused(
                "a household's amount raised after approval, in the register",
                lambda: office.post_bytes("/wallet/claim", asked.encode(), dict[str, int]),
                "office.not_as_approved",
            )
        return [first, self._pay_too_much(folder)]

    def _pay_too_much(self, office: Path) -> Refusal:
        key = SigningKey.from_pem((office / "publish-key.pem").read_bytes())
        approved = self._people.log.view().approved(Unit(FOOD))
        purse = Purse(self._people.database, "cheated", mint=self._stage.installation.mint, log=self._people.log)
        public = self._people.log.view().keysets[0][1].keys["1"]  # any point will do: nothing is ever paid to it
        over = purse.quote(min(approved, 2_000_000_000), FOOD, pubkey=public)
        message = QuotePaid(quote=QuoteId(over.quote), amount=over.amount, unit=Unit(FOOD))
        return refused(
            "more paid than two people approved, in the office's name",
            lambda: self._stage.installation.mint.post_bytes(
                "/bridge/quote-paid", seal(message, key).encode(), dict[str, bool]
            ),
            "mint.over_approved_total",
        )

    # --- shops and register -------------------------------------------------------------------------------------------------

    def claim_too_much(self) -> list[Refusal]:
        """A shop asks for more than it deposited."""
        till = self._market.till(self._market.stalls()[0])
        return [
            refused(
                "a shop claiming more than it received",
                lambda: till.ask_settlement(FOOD, 1_000_000, claim="too much"),
                "shops.claim_exceeds_deposits",
            )
        ]

    def register_party(self) -> list[Refusal]:
        """An import that takes the column `partido`."""
        registrar = self._stage.installation.staff("registrar")
        source = Source(
            mapping="source: cheat\ndate: 2026-10-31\nhousehold: {ref: hogar}\n"
            "individual: {household: hogar, facts: {is_head: jefatura, partido: partido}}\n",
            household_file="hogares.csv",
            households=b"hogar\nX1\n",
            individual_file="personas.csv",
            individuals="hogar,jefatura,partido\nX1,sí,A\n".encode(),
        )

        def upload() -> None:
            import_source(registrar, source, progress=lambda _done, _total: None)

        return [refused("a field “partido” in the import", upload, "rules.forbidden_concept")]
