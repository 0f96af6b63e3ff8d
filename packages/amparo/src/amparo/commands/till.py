"""`amparo shop`, the shopkeeper's part: one shop's till in a folder of its own. What a phone app does, for a terminal."""

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from amparo.commands.shell import DATA, Data, Json, console, say, show_table, tell
from amparo.commands.shop import Unit, shop
from amparo.errors import FileMissing
from amparo.installation import Installation
from amparo.sources import read_file
from amparo_cashu.nut00_token import read_token
from amparo_cashu.nut18_request import write_request
from amparo_cashu.nut26_request import write_request_b
from amparo_common.clock import SystemClock
from amparo_common.errors import AmparoError
from amparo_common.money import format_minor, parse_minor
from amparo_common.secret import Secret
from amparo_log.follow import LogFollower
from amparo_paper.qr import draw_qr
from amparo_purse.filters import FilterShelf
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.keys import replace_file
from amparo_till.enrolment import PREFIX, read_enrolment
from amparo_till.till import SCHEMA, DepositReport, Till, TillSettings

# The whole group: both parts are commands of `amparo shop`.
__all__ = ["shop"]

Folder = Annotated[Path, typer.Option("--till", envvar="AMPARO_TILL", help="The till's own folder.", show_default=True)]
Amount = Annotated[str, typer.Argument(help="The amount, for example 10.50.")]
HERE = Path("amparo-till")
PLACES, SETTINGS, FILTERS = "places.json", "settings.json", "filters"
# Between two tries of a deposit that waits.
TRY_SECONDS = 2.0


class Places(msgspec.Struct, frozen=True):
    """Where a till finds the services, the log's key it trusts, and who it is."""

    mint: str
    shops: str
    log: str
    vkey: str
    shop: str
    access: str


class Shared(msgspec.Struct, frozen=True):
    """What a second device of a shop needs: the places, and the key (hex) that opens what is locked to the shop."""

    places: Places
    lock_key: str
    v: int = 1


@shop.command("open")
def open_shop(
    reference: Annotated[str, typer.Option("--shop", help="The shop's reference.")],
    code: Annotated[str, typer.Option("--access", help="The shop's access code.")],
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Make a till for an accredited shop."""
    known = Installation.running(data).services
    places = Places(known.url("mint"), known.url("shops"), known.url("log"), known.vkey, reference, code)
    till = _make_till(folder, places, lock_key=None)
    found = {"shop": reference, "lock_key": till.lock_key}
    tell(as_json, found, f"The till is in {folder}. Its key for payments without a connection:\n{till.lock_key}")


@shop.command("share")
def share(
    out: Annotated[
        Path, typer.Argument(help="The file to write. Bring it to the second device by hand, then delete it.")
    ],
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Write what a second device of this shop needs: its key and its access code. Whoever has the file is the shop."""
    till, _ = open_till(folder)
    shared = Shared(_places(folder), till.lock_secret().reveal().hex())
    out.touch(mode=0o600)
    replace_file(out, msgspec.json.encode(shared))
    out.chmod(0o600)
    words = say("{file} makes another device this shop's till. Delete it once it is there.").format(file=out)
    tell(as_json, {"file": str(out)}, words)


@shop.command("join")
def join(
    given: Annotated[str, typer.Argument(help="The file that the first device wrote, or the code that a phone shows.")],
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Make this device another till of a shop: it takes what is locked to the shop, and deposits for itself."""
    shared = _of_phone(given) if given.startswith(PREFIX) else _of_device(Path(given))
    lock_key = Secret(bytes.fromhex(shared.lock_key)) if shared.lock_key else None
    till = _make_till(folder, shared.places, lock_key=lock_key)
    words = say("This is another till of the same shop. A code that is shown to both is found when they deposit.")
    tell(as_json, {"shop": shared.places.shop, "lock_key": till.lock_key}, words)


def _of_device(file: Path) -> Shared:
    try:
        shared = msgspec.json.decode(read_file(file), type=Shared)
        bytes.fromhex(shared.lock_key)
    except ValueError as error:
        raise FileMissing(f"{file} was not written by a till.", why="It has another form.") from error
    return shared


def _of_phone(code: str) -> Shared:
    found = read_enrolment(code)
    return Shared(Places(found.mint, found.shops, found.log, found.vkey, found.shop, found.access), found.lock or "")


def _make_till(folder: Path, places: Places, *, lock_key: Secret | None) -> Till:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(folder / PLACES, msgspec.json.encode(places))
    (folder / PLACES).chmod(0o600)
    till, _ = open_till(folder, lock_key=lock_key)
    return till


def _places(folder: Path) -> Places:
    try:
        return msgspec.json.decode(read_file(folder / PLACES), type=Places)
    except ValueError as error:
        raise FileMissing(f"{folder} holds no till.", why=f"Its file {PLACES} cannot be read.") from error


def open_till(folder: Path, *, lock_key: Secret | None = None) -> tuple[Till, LogFollower]:
    """The till in a folder, with its settings and the filters that are at hand. Raises `FileMissing` when there is none."""
    places = _places(folder)
    log = LogFollower(Client(places.log), places.vkey, folder / "log-seen", kept=folder / "log-entries")
    till = Till(
        Database(folder / "till.sqlite", [SCHEMA]),
        places.shop,
        access=places.access,
        mint=Client(places.mint),
        shops_url=places.shops,
        log=log,
        clock=SystemClock(),
        settings=_settings(folder),
        lock_key=lock_key,
    )
    till.use_filters(FilterShelf(folder / FILTERS).at_hand())
    return till, log


# --- settings and filters ------------------------------------------------------------------------------------------------


def _settings(folder: Path) -> TillSettings:
    path = folder / SETTINGS
    if not path.exists():
        return TillSettings()
    try:
        return msgspec.json.decode(read_file(path), type=TillSettings)
    except ValueError as error:
        raise FileMissing(
            f"{path} cannot be read.", why="It has another form.", todo="Delete it and set it anew."
        ) from error


@shop.command("settings")
def settings(
    most_per_sale: Annotated[
        str | None, typer.Option(help="The most that one sale without a connection may be.")
    ] = None,
    most_stored: Annotated[
        str | None, typer.Option(help="The most that may be stored without having been deposited.")
    ] = None,
    most_hours: Annotated[
        int | None, typer.Option(min=1, max=168, help="How many hours it may sell without a connection.")
    ] = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """What this till takes without a connection; options change it."""
    _places(folder)
    known = _settings(folder)
    chosen = TillSettings(
        most_per_sale=known.most_per_sale if most_per_sale is None else parse_minor(most_per_sale),
        most_stored=known.most_stored if most_stored is None else parse_minor(most_stored),
        most_hours_alone=known.most_hours_alone if most_hours is None else most_hours,
    )
    if chosen != known:
        replace_file(folder / SETTINGS, msgspec.json.encode(chosen))
    sentence = say(
        "Without a connection: at most {sale} in one sale, {stored} stored of each unit, for {hours} hours. What is stored is"
        " lost with this device."
    )
    words = sentence.format(
        sale=format_minor(chosen.most_per_sale), stored=format_minor(chosen.most_stored), hours=chosen.most_hours_alone
    )
    tell(as_json, chosen, words)


@shop.command("filters")
def filters(folder: Folder = HERE, as_json: Json = False) -> None:
    """Fetch the day's lists of spent codes, against which sales without a connection are checked."""
    till, _ = open_till(folder)
    shelf = FilterShelf(folder / FILTERS)
    fetched = shelf.fetch(till.purse)
    found = [{"keyset": each.keyset, "day": each.day, "spent": each.count} for each in shelf.at_hand()]
    words = say("{fetched} new lists; {count} at hand.").format(fetched=fetched, count=len(found))
    tell(as_json, {"fetched": fetched, "at_hand": found}, words)


def _fetch_quietly(till: Till, folder: Path) -> None:
    """Fetch the day's filters beside something else, which must not fail because of it."""
    try:
        FilterShelf(folder / FILTERS).fetch(till.purse)
    except AmparoError:
        return


# --- taking --------------------------------------------------------------------------------------------------------------


@shop.command("request")
def request(
    amount: Amount,
    unit: Unit,
    online: Annotated[
        bool,
        typer.Option("--online", help="For a code that is not locked: this till must have a connection to take it."),
    ] = False,
    long: Annotated[bool, typer.Option("--long", help="Form A (creqA), for wallets that cannot read form B.")] = False,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Show a payment request: a QR code and its text. The customer's code is then given to: amparo shop take"""
    till, _ = open_till(folder)
    shown = till.shown(till.request(parse_minor(amount), unit), locked=not online)
    text = write_request(shown) if long else write_request_b(shown)
    if as_json:
        tell(True, {"request": text, "id": shown.id, "locked": not online}, "")
        return
    console.print(draw_qr(text), style="black on white", markup=False, highlight=False, no_wrap=True)
    console.print(text, markup=False, soft_wrap=True)


@shop.command("take")
def take(
    code: Annotated[str, typer.Argument(help="The customer's code.")],
    amount: Amount,
    unit: Unit,
    offline: Annotated[
        bool, typer.Option("--offline", help="Take it locked to this shop, to be sent in later.")
    ] = False,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Take a payment: genuine, right amount, not spent. Without a connection also: not in the lists of spent codes."""
    till, log = open_till(folder)
    request = till.request(parse_minor(amount), unit)
    if offline:
        till.accept_offline(read_token(code, keysets=[body.keyset for _, body in log.view().keysets]), request)
    else:
        till.purse.recover()
        till.accept_online(read_token(code, keysets=[body.keyset for _, body in log.refresh().keysets]), request)
        _fetch_quietly(till, folder)
    word = "stored, will be confirmed" if offline else "confirmed"
    tell(
        as_json,
        {"taken": request.amount, "unit": unit, "confirmed": not offline},
        f"{format_minor(request.amount)} {unit}: {word}.",
    )


@shop.command("sales")
def sales(
    seen: Annotated[bool, typer.Option("--seen", help="Forget the sales whose codes had been spent before.")] = False,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """The sales that are stored and not credited, with what became of each."""
    till, _ = open_till(folder)
    found = till.sales()
    if seen:
        till.forget_spent()
    if as_json:
        tell(True, found, "")
        return
    words = {
        "pending": say("not handed in yet"),
        "waiting": say("handed in, not answered yet"),
        "refused": say("refused by the shops side; it is kept and tried again"),
        "ended": say("its coins have ended; they are kept, ask the programme"),
        "spent": say("its code had been spent before; it is lost"),
    }
    rows = [(str(each.number), f"{format_minor(each.amount)} {each.unit}", words[each.state]) for each in found]
    show_table((say("sale"), say("amount"), say("state")), rows)


# --- depositing and being paid -------------------------------------------------------------------------------------------


@shop.command("deposit")
def deposit(
    unit: Unit,
    wait: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds to go on trying while something waits or was refused.")
    ] = 0.0,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Hand in everything of a unit. Safe to repeat: what waits is asked for again, what was refused is tried again."""
    till, _ = open_till(folder)
    deadline = time.monotonic() + wait
    found = till.deposit(unit)
    while (found.pending or found.refused) and time.monotonic() < deadline:
        time.sleep(min(TRY_SECONDS, wait))
        again = till.deposit(unit)
        found = DepositReport(
            found.deposited + again.deposited,
            found.lost + again.lost,
            found.lost_coins + again.lost_coins,
            again.pending,
            again.refused,
            found.ended + again.ended,
        )
    _fetch_quietly(till, folder)
    tell(as_json, found, "\n".join(_words_of(found, unit)))


def _words_of(found: DepositReport, unit: str) -> list[str]:
    def amount(minor: int) -> str:
        return f"{format_minor(minor)} {unit}"

    lines = [say("{amount} handed in.").format(amount=amount(found.deposited))]
    if found.pending:
        lines.append(say("{amount} waits for an answer: deposit again.").format(amount=amount(found.pending)))
    if found.refused:
        lines.append(say("{amount} was refused and is kept: deposit again.").format(amount=amount(found.refused)))
    if found.ended:
        lines.append(say("{amount} has ended and is kept: ask the programme.").format(amount=amount(found.ended)))
    if found.lost:
        lines.append(say("{amount} had been spent before and is lost.").format(amount=amount(found.lost)))
    return lines


@shop.command("standing")
def standing(unit: Unit, folder: Folder = HERE, as_json: Json = False) -> None:
    """This shop's totals."""
    found = open_till(folder)[0].standing(unit)
    words = f"deposited {format_minor(found.deposited)}, to settle {format_minor(found.to_settle)}"
    tell(as_json, found, f"{words}, asked {format_minor(found.asked)}, settled {format_minor(found.settled)}")


@shop.command("claim")
def claim(
    amount: Amount,
    unit: Unit,
    label: Annotated[str, typer.Option("--number", help="Your own number for this claim; repeating it asks once.")],
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Ask to be paid."""
    found = open_till(folder)[0].ask_settlement(unit, parse_minor(amount), claim=label)
    tell(as_json, found, f"Asked for {format_minor(found.asked)} {unit}.")
