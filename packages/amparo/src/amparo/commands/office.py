"""Commands for the office's staff: import, programmes, decisions, approval, enrolment codes, cards.

Each needs a role. With AMPARO_ACCESS set, that person's token is used; without it, tokens kept in the data folder (for
somebody who runs everything on one machine).
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from amparo.commands.public import read_log
from amparo.commands.shell import DATA, Data, Json, access, bar, console, errors, say, show_table, tell
from amparo.errors import FileMissing
from amparo.installation import CycleTotals, Installation, fetch_cards, import_source, wait_for
from amparo.sources import from_files, read_file
from amparo_common import canonical
from amparo_common.bridge import FactDefined
from amparo_common.money import format_minor
from amparo_office.crowds import BandsOffer, CrowdReport
from amparo_rules.catalogue import FactDefinition
from amparo_rules.defined import TWO_PEOPLE, read_definition
from amparo_rules.examples import check_examples
from amparo_rules.rule import read_rule
from amparo_rules.starter import NAMES, starter
from amparo_rules.step import check_step
from amparo_service.client import Client
from amparo_service.keys import replace_file

programme = typer.Typer(help="Rules: check, publish, list, round amounts to bands.", no_args_is_help=True)


def _staff(data: Path, role: str) -> Client:
    return Installation.running(data).staff(role, access=access())


def import_files(
    households: Annotated[Path, typer.Argument(help="Table of households: CSV, XLSX or Stata.")],
    mapping: Annotated[str, typer.Option(help="Which column is which fact: a file, town or world-bank-survey.")],
    individuals: Annotated[Path | None, typer.Option(help="Table of people (default: the same workbook).")] = None,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Import households and people: every row, or nothing with a report of what is wrong in which row."""
    source = from_files(households, individuals or households, mapping)
    with bar("Importing") as progress:
        found = import_source(_staff(data, "registrar"), source, progress=progress)
    words = "had been imported before; nothing changed" if found.already else "imported"
    known = f" {found.known:,} households of this source were there before." if found.known else ""
    tell(as_json, found, f"{found.households:,} households with {found.persons:,} people {words}.{known}")


@programme.command("check")
def check_rule(
    file: Path,
    facts: Annotated[
        Path | None, typer.Option(help="Drafts of facts that the catalogue lacks: a JSON list of definitions.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="Address of the public log that defines such facts.")] = None,
    vkey: Annotated[str, typer.Option(help="The log's public key, with --log.")] = "",
    as_json: Json = False,
) -> None:
    """Check a rule file and compute its examples. Nothing is published. A rule that uses a fact which the catalogue lacks is
    checked against the log that defines it, or against drafts."""
    defined = () if log is None else _defined_in_log(log, vkey)
    rule = read_rule(_text(file), defined + (() if facts is None else _drafts(facts)))
    check_examples(rule)
    check_step(rule)
    found = {"programme": rule.programme, "version": rule.text.version, "rule_hash": rule.rule_hash}
    tell(as_json, found, f"{rule.programme} {rule.text.version} is a valid rule; all examples hold.\n{rule.rule_hash}")


def _defined_in_log(url: str, vkey: str) -> tuple[FactDefined, ...]:
    view = read_log(url, vkey)
    return view.facts_before(view.size)


def _drafts(file: Path) -> tuple[FactDefined, ...]:
    """The definitions in a file, as they would stand in the log. Raises `FileMissing`, and what is wrong with one of them."""
    try:
        drafts = msgspec.json.decode(read_file(file), type=list[FactDefinition])
    except ValueError as error:
        raise FileMissing(f"{file} is not a list of fact definitions.", why="It has another form.") from error
    found = tuple(
        FactDefined(each.entity, each.name, canonical.encode(each).decode(), approvals=TWO_PEOPLE) for each in drafts
    )
    for each in found:
        read_definition(each)
    return found


@programme.command("publish")
def publish(file: Path, data: Data = DATA, as_json: Json = False) -> None:
    """Put a rule into the public log. It counts once its notice period has passed."""
    found = _staff(data, "programme-manager").post("/programmes", {"rule": _text(file)}, dict[str, Any])
    tell(as_json, found, f"Published as entry {found['index']} of the log.\n{found['rule_hash']}")


@programme.command("list")
def list_rules(data: Data = DATA, as_json: Json = False) -> None:
    """The rules in the public log."""
    installation = Installation.running(data)
    view = installation.follower(installation.folder.root / "log-seen").refresh()
    found = [
        {
            "programme": body.programme,
            "version": body.version,
            "published": place.at,
            "notice_days": body.notice_days,
            "rule_hash": body.rule_hash,
        }
        for place, body in view.rules
    ]
    if as_json:
        tell(True, found, "")
    else:
        show_table(
            list(found[0]) if found else ["no rule yet"], [[str(cell) for cell in row.values()] for row in found]
        )


@programme.command("bands")
def bands(
    named: Annotated[str, typer.Argument(metavar="PROGRAMME", help="The programme's short name.")],
    cycle: Annotated[str, typer.Option(help="The decided cycle whose amounts are looked at.")],
    version: Annotated[str, typer.Option(help="What the new version is called.")],
    crowd: Annotated[int, typer.Option(min=1, help="Of how many with the same amount everybody is one.")] = 100,
    out: Annotated[Path | None, typer.Option(help="Write the rule file there.")] = None,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Offer amounts rounded up to bands, so that nobody is nearly alone with theirs, with what they cost. Changes nothing:
    bands count when the new version is published and its notice period has passed."""
    asked = {"programme": named, "cycle": cycle, "version": version, "crowd": crowd}
    found = _staff(data, "programme-manager").post("/cycles/bands", asked, BandsOffer)
    if out is not None:
        replace_file(out, found.rule.encode())
    if as_json:
        tell(True, found, "")
        return
    costs = say("crowds of at least {crowd}: {bands} amounts, {total} in all, {dearer} dearer{over}")
    for each in found.offers:
        over = say(" (more than the budget of the rule)") if each.total > found.budget else ""
        dearer = f"{each.total / found.total - 1:+.1%}"
        total = format_minor(each.total)
        line = costs.format(crowd=each.crowd, bands=len(each.bands), total=total, dearer=dearer, over=over)
        errors.print(line, markup=False, soft_wrap=True)
    if out is None:
        console.print(found.rule, markup=False, soft_wrap=True, end="")
    else:
        tell(False, found, say("The rule is in {out}. Next: amparo programme check, then publish.").format(out=out))


@programme.command("starter")
def show_starter(name: Annotated[str, typer.Argument(help=" or ".join(NAMES))]) -> None:
    """Print a rule to begin from."""
    if name not in NAMES:
        raise typer.BadParameter(f"there are {' and '.join(NAMES)}")
    console.print(starter(name), markup=False, soft_wrap=True, end="")


def decide(
    named: Annotated[str, typer.Argument(metavar="PROGRAMME", help="The programme's short name.")],
    version: Annotated[str, typer.Option(help="The published version.")],
    cycle: Annotated[str, typer.Option(help="The name of the cycle, for example 2026-11.")],
    as_of: Annotated[str, typer.Option(help="The day for which facts count, YYYY-MM-DD.")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Decide every household by a rule in force; each gets a signed receipt, yes or no."""
    manager = _staff(data, "programme-manager")
    asked = {"programme": named, "version": version, "cycle": cycle, "as_of": as_of}
    job = manager.post("/cycles", asked, dict[str, int])["job"]
    with bar("Deciding") as progress:
        found = wait_for(manager, job, CycleTotals, progress=progress)
    decided = f"{found.eligible:,} of {found.households:,} households: yes, {format_minor(found.total)} in all."
    tell(as_json, found, f"{decided}\n{_crowds(found.crowds)}")


def _crowds(found: CrowdReport) -> str:
    """How small the crowds are, and what can be done."""
    if not found.below:
        return say(
            "{amounts} different amounts; the smallest crowd with the same amount is {smallest} households."
        ).format(amounts=found.amounts, smallest=found.smallest)
    return say(
        "{amounts} different amounts. {below} households share theirs with fewer than {asked}, the smallest crowd is"
        " {smallest}: they could be found by their amount. See: amparo programme bands"
    ).format(amounts=found.amounts, below=f"{found.below:,}", asked=found.asked, smallest=found.smallest)


def approve(
    named: Annotated[str, typer.Argument(metavar="PROGRAMME", help="The programme's short name.")],
    cycle: Annotated[str, typer.Option(help="The name of the cycle.")],
    small_crowds_known: Annotated[
        bool,
        typer.Option(
            "--small-crowds-known", help="Approve although some households are nearly alone with their amount."
        ),
    ] = False,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Approve a cycle's payment as the second person. Where households are nearly alone with their amount, that is said first;
    approving all the same is noted with the cycle."""
    asked = {"programme": named, "cycle": cycle, "small_crowds_known": small_crowds_known}
    found = _staff(data, "approver").post("/cycles/approve", asked, CycleTotals)
    approved = f"Approved: {format_minor(found.total)} for {found.eligible:,} households."
    tell(as_json, found, f"{approved}\n{_crowds(found.crowds)}")


def codes(
    refs: Annotated[
        list[str], typer.Argument(help="References of households: the register's, or those of the imported file.")
    ],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Make one-time codes with which households bind their wallets."""
    found = _staff(data, "registrar").post("/enrolment-codes", {"refs": refs}, dict[str, str])
    lines = [f"{ref}  {found[ref]}" if ref in found else f"{ref}  means no household, or several" for ref in refs]
    tell(as_json, found, "\n".join(lines))


def cards(
    out: Annotated[Path, typer.Option(help="The PDF to write.")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Print identity cards for all adults, eight to a page; every code is read back before the file is written."""
    registrar = _staff(data, "registrar")
    job = registrar.post("/cards", {}, dict[str, int])["job"]
    with bar("Printing") as progress:
        found = wait_for(registrar, job, dict[str, int], progress=progress)
    fetch_cards(registrar, job, out)
    tell(as_json, found, f"{found['cards']:,} cards, {found['read_back']:,} codes read back: {out}")


def _text(file: Path) -> str:
    return read_file(file).decode("utf-8", errors="replace")
