"""The steps of the demo's month, in order. Each returns the plain sentence of what just became true, and its figures.

Rules come before the register here, because the office takes a fact only while a published programme needs it.
"""

import functools
from datetime import date
from typing import Any

import msgspec

from amparo.demo.market import DEPOSIT_DAYS, FIRST_DAY, LAST_DAY, Market
from amparo.demo.people import Home, People, in_parallel, read_homes
from amparo.demo.story import Figures, Stage
from amparo.errors import NotRefused
from amparo.installation import CycleTotals, fetch_cards, import_source, wait_for
from amparo.town import FOOD, MEDICINE
from amparo_common.clock import from_text
from amparo_common.money import format_minor
from amparo_office.answers import CardsPrinted
from amparo_rules.starter import NAMES, starter
from amparo_service.errors import RemoteError
from amparo_service.keys import replace_file
from amparo_wallet.receipts import gather_evidence
from amparo_wallet.vouchers import VoucherSheet, print_vouchers, take_vouchers, voucher_sheet
from amparo_wallet.wallet import must_wait

CYCLE = "2026-10"
AS_OF = date(2026, 10, 9)
VERSION = "2026.1"
UNITS = (FOOD, MEDICINE)
KEYSET_LAST_DAY = date(2027, 1, 31)
KEYSET_ENDS = int(from_text(f"{KEYSET_LAST_DAY}T23:59:59Z").timestamp())


def publish_rules(stage: Stage) -> tuple[str, Figures]:
    """Day 1: two programmes go into the public log."""
    stage.on(1)
    manager = stage.installation.staff("programme-manager")
    hashes = {name: manager.post("/programmes", {"rule": starter(name)}, dict[str, Any])["rule_hash"] for name in NAMES}
    sentence = (
        f"{len(hashes)} programmes are in the public log, word for word; they count after 7 days, and nobody can change"
        " them unseen."
    )
    return sentence, {name: str(rule_hash) for name, rule_hash in hashes.items()}


def register(stage: Stage) -> tuple[str, Figures]:
    """Day 2: the files are imported, whole or not at all."""
    stage.on(2)
    source = stage.source
    found = import_source(stage.installation.staff("registrar"), source, progress=stage.progress)
    people = People(stage)
    people.move_in(read_homes(stage, people.log.refresh()))
    names = "The file holds no names, so the demo invents them. " if source.invented_names else ""
    return (
        f"{found.households:,} households with {found.persons:,} people are registered. {names}Only facts that the two"
        " programmes ask for were taken; names are sealed apart.",
        {"households": found.households, "persons": found.persons},
    )


def print_cards(stage: Stage) -> tuple[str, Figures]:
    """Day 3: a signed, sealed card for every adult."""
    stage.on(3)
    registrar = stage.installation.staff("registrar")
    job = registrar.post("/cards", {}, dict[str, int])["job"]
    found = wait_for(registrar, job, CardsPrinted, progress=stage.progress)
    fetch_cards(registrar, job, stage.papers / "cards.pdf")
    return (
        f"{found.cards:,} identity cards are printed, and every code was read back by machine. A shop that scans one"
        " learns nothing: the code is sealed to registered verifiers.",
        {"cards": found.cards, "read_back": found.read_back},
    )


def enrol(stage: Stage) -> tuple[str, Figures]:
    """Day 3: wallets are bound to households with one-time codes."""
    stage.on(3, 12)
    people = People(stage)
    waiting = people.homes("enrolled = 0")
    codes = stage.installation.staff("registrar").post(
        "/enrolment-codes", {"refs": [home.ref for home in waiting]}, dict[str, str]
    )

    def bind(ref: str) -> None:
        people.wallet(ref).enrol(codes[ref])
        people.mark(ref, "enrolled")

    homes = people.homes()
    in_parallel([home.ref for home in waiting], bind, stage, already=len(homes) - len(waiting))
    phones = sum(home.phone for home in homes)
    return (
        f"{phones:,} households have a wallet on their phone, {len(homes) - phones:,} will get vouchers on paper."
        " Both have the same rights.",
        {"wallets": phones, "on_paper": len(homes) - phones},
    )


def too_early(stage: Stage) -> tuple[str, Figures]:
    """Day 5: an evaluation before the notice period has ended is refused."""
    stage.on(5)
    try:
        _start_cycle(stage, NAMES[0])
    except RemoteError as error:
        if error.remote_code != "rules.rule_not_public_in_time":
            raise
        return f"The office refuses to decide on day 5: {error.what} {error.reason}", {"refused": error.remote_code}
    raise NotRefused("A rule was evaluated before its notice period had ended.")


def decide(stage: Stage) -> tuple[str, Figures]:
    """Day 9: every household gets a decision and a signed receipt, yes or no."""
    stage.on(9)
    manager = stage.installation.staff("programme-manager")
    figures: Figures = {}
    sentences = []
    for name in NAMES:
        job = _start_cycle(stage, name)
        found = wait_for(manager, job, CycleTotals, progress=stage.progress)
        figures |= {
            f"{name}.households": found.households,
            f"{name}.eligible": found.eligible,
            f"{name}.total": found.total,
        }
        sentences.append(f"{found.eligible:,} of {found.households:,} for {name} ({format_minor(found.total)})")
    return (
        f"Every household has a decision with reasons and a signed receipt: yes for {', '.join(sentences)}. The root of"
        " each batch and its total are in the public log.",
        figures,
    )


def _start_cycle(stage: Stage, programme: str) -> int:
    asked = {"programme": programme, "version": VERSION, "cycle": CYCLE, "as_of": AS_OF.isoformat()}
    return stage.installation.staff("programme-manager").post("/cycles", asked, dict[str, int])["job"]


def approve(stage: Stage) -> tuple[str, Figures]:
    """Day 10: a second person approves; the first cannot."""
    stage.on(10)
    asked = [{"programme": name, "cycle": CYCLE} for name in NAMES]
    try:
        stage.installation.staff("programme-manager").post("/cycles/approve", asked[0], CycleTotals)
    except RemoteError as error:
        if error.remote_code != "office.same_person":
            raise
    else:
        raise NotRefused("Who started a cycle could approve it.")
    found = [_approve(stage, each) for each in asked]
    below = sum(cycle.crowds.below for cycle in found)
    known = (
        f" {below:,} households share their amount with fewer than {found[0].crowds.asked}; the approver was told and said so."
        if below
        else ""
    )
    figures: Figures = {f"{cycle.programme}.approved": cycle.total for cycle in found}
    figures |= {f"{cycle.programme}.small_crowds": cycle.crowds.below for cycle in found}
    return (
        "A second person approved the payments (who started them was refused). From here on no amount can be raised"
        f" unseen: the mint issues no more than the totals in the log.{known}",
        figures,
    )


def _approve(stage: Stage, asked: dict[str, str]) -> CycleTotals:
    """The approver approves; where the crowds are small, once more and saying that it is known: nobody loses aid for it."""
    approver = stage.installation.staff("approver")
    try:
        return approver.post("/cycles/approve", asked, CycleTotals)
    except RemoteError as error:
        if error.remote_code != "office.crowds_too_small":
            raise
    return approver.post("/cycles/approve", asked | {"small_crowds_known": True}, CycleTotals)


def open_keysets(stage: Stage) -> tuple[str, Figures]:
    """Day 10: the mint announces its keys before it signs anything."""
    stage.on(10, 12)
    operator = stage.installation.mint_operator()
    found = {
        unit: operator.post(
            "/operate/keysets", {"unit": unit, "period": CYCLE, "final_expiry": KEYSET_ENDS}, dict[str, str]
        )["keyset"]
        for unit in UNITS
    }
    return (
        f"The mint's {len(found)} keysets are in the public log before their first use; wallets refuse any other.",
        {f"keyset.{unit}": keyset for unit, keyset in found.items()},
    )


def claim(stage: Stage) -> tuple[str, Figures]:
    """Day 11: every household checks its receipt and claims its aid as blind-signed tokens; paper ones get vouchers."""
    stage.on(11)
    people = People(stage)
    on_paper = {home.ref for home in people.homes("phone = 0")}

    def claim_one(ref: str, *, patient: bool) -> None:
        wallet, waits = people.wallet(ref), False
        for paper in wallet.papers():
            if not paper.approved or not paper.amount:
                wallet.check(paper)
                continue
            try:
                wallet.claim(paper, spread=ref not in on_paper, stock=ref in on_paper)
            except RemoteError as error:
                # Among the first ones of this unit: they come again when the others have come.
                if not (patient and must_wait(error)):
                    raise
                waits = True
        if not waits:
            people.mark(ref, "claimed")

    everybody = len(people.homes())
    for patient in (True, False):
        waiting = people.homes("claimed = 0")
        work = functools.partial(claim_one, patient=patient)
        in_parallel([home.ref for home in waiting], work, stage, already=everybody - len(waiting))
    received = dict(people.rows("SELECT unit, sum(amount) FROM quote WHERE done = 1 GROUP BY unit"))
    shown = " and ".join(f"{format_minor(received.get(unit, 0))} {unit}" for unit in UNITS)
    return (
        f"Every household checked its own receipts against the public log and claimed: {shown}, as tokens that the mint"
        " signed without seeing them.",
        {f"claimed.{unit}": received.get(unit, 0) for unit in UNITS},
    )


def print_vouchers_for_all(stage: Stage) -> tuple[str, Figures]:
    """Day 11: households without a phone get their aid on paper; the desk keeps nothing."""
    stage.on(11, 15)
    people = People(stage)
    homes = people.homes("phone = 0")
    for done, home in enumerate(homes, start=1):
        _move_to_paper(people, home)
        stage.progress(done, len(homes))
    sheets = _sheets(people)
    if not sheets:
        return "Nobody needs vouchers on paper.", {"sheets": 0, "vouchers": 0, "read_back": 0}
    printed = print_vouchers(sheets, contact="Amparo, plaza mayor 1")
    replace_file(stage.papers / "vouchers.pdf", printed.pdf)
    return (
        f"{len(sheets):,} voucher sheets for households without a phone: {printed.items:,} codes, each read back by"
        " machine, no name on any of them.",
        {"sheets": len(sheets), "vouchers": printed.items, "read_back": printed.read_back},
    )


def _move_to_paper(people: People, home: Home) -> None:
    """In one commit the coins leave the desk's wallet and become the household's vouchers."""
    wallet = people.wallet(home.ref)
    wallet.purse.recover()
    with people.database.transaction() as connection:
        for unit in UNITS:
            connection.executemany(
                "INSERT INTO voucher (code, home, unit, amount) VALUES (?, ?, ?, ?)",
                [
                    (code, home.ref, unit, amount)
                    for code, amount in take_vouchers(wallet, unit, mint_url=people.mint_url)
                ],
            )


def _sheets(people: People) -> list[VoucherSheet]:
    """What is printed: one sheet a household, the aid for food before that for medicine."""
    vouchers: dict[tuple[str, str], list[tuple[str, int]]] = {}
    question = (
        "SELECT home, language, code, amount FROM voucher JOIN home ON home.ref = voucher.home"
        " ORDER BY home, unit, amount DESC, code"
    )
    for home, language, code, amount in people.rows(question):
        vouchers.setdefault((home, language), []).append((code, amount))
    return [voucher_sheet(each, language=language, until=KEYSET_LAST_DAY) for (_, language), each in vouchers.items()]


def save_receipts(stage: Stage) -> tuple[str, Figures]:
    """Day 11: two receipts are saved as files that anybody can check offline: a yes and a no."""
    stage.on(11, 16)
    people = People(stage)
    saved: Figures = {}
    for home in people.homes():
        for paper in people.wallet(home.ref).papers():
            word = "yes" if paper.amount else "no"
            if word not in saved:
                evidence = gather_evidence(paper.bundle, people.log)
                replace_file(stage.papers / f"receipt-{word}.json", msgspec.json.encode(evidence))
                saved[word] = f"receipt-{word}.json"
        if len(saved) == 2:
            break
    return "A receipt of a yes and one of a no are saved with their proofs: each can be recomputed offline.", saved


def open_shops(stage: Stage) -> tuple[str, Figures]:
    """Day 11: shops are accredited."""
    stage.on(11, 17)
    market = Market(stage, People(stage))
    stalls = market.open()
    planned = market.plan(list(UNITS))
    return (
        f"{len(stalls)} shops are accredited, {sum(MEDICINE in stall.units for stall in stalls)} of them pharmacies.",
        {"shops": len(stalls), "planned_purchases": planned},
    )


def shop(stage: Stage) -> tuple[str, Figures]:
    """Days 12 to 29: people buy, with a connection, without one, and with paper."""
    people = People(stage)
    market = Market(stage, people)
    progress, stage.progress = stage.progress, lambda _done, _total: None  # the bar counts days
    try:
        for day in range(FIRST_DAY, LAST_DAY + 1):
            progress(day - FIRST_DAY, LAST_DAY + 1 - FIRST_DAY)
            stage.on(day, 8)
            market.set_aside(day)
            stage.on(day, 17)
            market.buy(day)
            if day in DEPOSIT_DAYS:
                market.deposit()
    finally:
        stage.progress = progress
    rows = people.rows("SELECT mode, count(*), sum(amount) FROM purchase GROUP BY mode ORDER BY mode")
    figures: Figures = {f"purchases.{mode}": count for mode, count, _ in rows}
    figures |= dict(people.rows("SELECT 'spent.' || unit, sum(amount) FROM purchase GROUP BY unit ORDER BY unit"))
    modes = ", ".join(f"{count:,} {mode}" for mode, count, _ in rows)
    total = sum(count for _, count, _ in rows)
    return (
        f"{total:,} purchases ({modes}). Each shop saw an amount and nothing else; offline ones were locked to the shop's"
        " key and sent in later.",
        figures,
    )


def settle(stage: Stage) -> tuple[str, Figures]:
    """Day 30: shops deposit, ask, and are paid by a bank file; the ledger balances."""
    stage.on(30)
    market = Market(stage, People(stage))
    lost = market.deposit()
    market.wait_for_deposits()
    market.ask_settlement(CYCLE)
    finance = stage.installation.finance()
    figures: Figures = {"lost_to_double_spending": lost}
    for unit in UNITS:
        run = f"{CYCLE}-{unit}"
        try:
            found = finance.post("/settlements", {"run": run, "unit": unit}, dict[str, Any])
        except RemoteError as error:
            if error.remote_code != "shops.nothing_to_settle":
                raise
            figures[f"settled.{unit}"] = 0
            continue
        replace_file(stage.papers / f"bank-{unit}.xml", finance.get_bytes(f"/settlements/{run}/file"))
        finance.post(f"/settlements/{run}/confirm", {}, dict[str, Any])
        figures[f"settled.{unit}"] = int(found["total"])
    ledger = finance.get("/ledger", dict[str, dict[str, int]])
    balanced = all(sum(accounts.values()) == 0 for accounts in ledger.values())
    figures["ledger_balances"] = balanced
    shown = " and ".join(f"{format_minor(int(str(figures[f'settled.{unit}'])))} {unit}" for unit in UNITS)
    return f"The shops are paid {shown} by bank files that fit the pain.001 schema; the ledger sums to zero.", figures


def close_month(stage: Stage) -> tuple[str, Figures]:
    """Day 31: mint and shops publish their figures."""
    stage.on(31)
    published = [
        client.post(path, {"period": CYCLE}, dict[str, int])["published"]
        for client, path in (
            (stage.installation.mint_operator(), "/operate/figures"),
            (stage.installation.finance(), "/figures"),
        )
    ]
    return "The month's figures of the mint and of the shops side are in the public log.", {"entries": sum(published)}
