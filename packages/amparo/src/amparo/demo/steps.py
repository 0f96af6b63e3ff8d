"""The demo's steps in order, each with the title that people read."""

import msgspec

from amparo.audit.page import write_page
from amparo.audit.service import run_audit
from amparo.demo import month
from amparo.demo.cheats import try_to_cheat
from amparo.demo.story import Figures, Stage, Step
from amparo.i18n import LANGUAGES
from amparo.thief.service import rob
from amparo_common.money import format_minor
from amparo_service.keys import replace_file


def audit(stage: Stage) -> tuple[str, Figures]:
    """An outsider checks everything with the public log alone."""
    services = stage.installation.services
    found = run_audit(services.url("log"), services.vkey, memory=stage.papers / "audit-seen")
    for language in LANGUAGES:
        replace_file(stage.papers / f"audit-{language}.html", write_page(found, language, links=True).encode())
    replace_file(stage.papers / "audit.json", msgspec.json.encode(found))
    rows = [
        {
            "unit": each.unit,
            "approved": format_minor(each.approved),
            "issued": format_minor(each.issued),
            "spent": format_minor(each.redeemed),
            "in hands": format_minor(each.outstanding),
            "settled": format_minor(each.settled),
        }
        for each in found.figures.units
    ]
    passed = sum(check.passed for check in found.checks)
    sentence = f"{passed} of {len(found.checks)} checks passed over {found.size} log entries, with the log's key and nothing else."
    return sentence, {"passed": found.passed, "figures": rows}


def open_everything(stage: Stage) -> tuple[str, Figures]:
    """A thief opens every database and tries to link purchases to people."""
    found = rob(stage)
    rows = [{"attack": "guessing", "right": _percent(found.guessing)}]
    rows += [{"attack": attack.name, "right": _percent(attack.success)} for attack in found.attacks]
    sentence = (
        f"A thief who has every database, journal and key of all servers, {found.rows:,} rows, and the notes of every shop"
        f" tried to say who made each of {found.sales:,} purchases, among {found.households:,} households. No value leads"
        f" from a purchase to a person; the best attack is right in {_percent(found.best.success)} of cases, guessing in"
        f" {_percent(found.guessing)}."
    )
    return sentence, {"attacks": rows}


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


STEPS = [
    Step("rules", "The rules come first", month.publish_rules),
    Step("register", "A small register", month.register),
    Step("cards", "Identity cards", month.print_cards),
    Step("enrol", "Wallets and paper", month.enrol),
    Step("too_early", "No rule counts before its time", month.too_early),
    Step("decide", "Decisions with receipts", month.decide),
    Step("approve", "A second person approves", month.approve),
    Step("keysets", "Keys in public before use", month.open_keysets),
    Step("claim", "Aid as blind-signed tokens", month.claim),
    Step("vouchers", "Vouchers on paper", month.print_vouchers_for_all),
    Step("receipts", "Receipts to take home", month.save_receipts),
    Step("shops", "Shops are accredited", month.open_shops),
    Step("shopping", "People buy", month.shop),
    Step("settle", "Shops are paid", month.settle),
    Step("close", "The month is closed", month.close_month),
    Step("cheats", "Cheating is tried", try_to_cheat),
    Step("audit", "Anybody audits", audit),
    Step("thief", "What the servers know", open_everything),
]
