"""The `amparo` command: puts the groups of commands together and turns errors into words and exit codes."""

import sys

import typer

from amparo.commands import apps, demo, office, public, services, till, vouchers, wallet
from amparo.commands.shell import CANNOT, explain
from amparo_common.errors import AmparoError

app = typer.Typer(
    name="amparo",
    help="Aid that watches nobody. Start with: amparo demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

app.command("demo", rich_help_panel="Begin here")(demo.demo)
app.command("test", context_settings=PASS_ON, rich_help_panel="Begin here")(services.test)
app.command("audit", rich_help_panel="Anybody")(public.audit)
app.command("verify", rich_help_panel="Anybody")(public.verify)
app.command("fork", rich_help_panel="Anybody")(public.fork)
app.add_typer(apps.apps, name="apps", rich_help_panel="Anybody")
app.add_typer(public.receipts, name="receipt", rich_help_panel="Anybody")
app.add_typer(wallet.wallet, name="wallet", rich_help_panel="Households and shops")
app.add_typer(till.shop, name="shop", rich_help_panel="Households and shops")
app.command("import", rich_help_panel="Office")(office.import_files)
app.add_typer(office.programme, name="programme", rich_help_panel="Office")
app.command("decide", rich_help_panel="Office")(office.decide)
app.command("approve", rich_help_panel="Office")(office.approve)
app.command("codes", rich_help_panel="Office")(office.codes)
app.command("cards", rich_help_panel="Office")(office.cards)
app.add_typer(vouchers.vouchers, name="vouchers", rich_help_panel="Office")
app.command("serve", rich_help_panel="Operator")(services.serve)
app.add_typer(services.staff, name="staff", rich_help_panel="Operator")
app.add_typer(services.mint, name="mint", rich_help_panel="Operator")


def main() -> None:
    """Run the command. Deliberate errors become words (or JSON) and exit code 3."""
    try:
        app()
    except AmparoError as error:
        explain(error, as_json="--json" in sys.argv)
        raise SystemExit(CANNOT) from error
    except KeyboardInterrupt:
        # What was begun goes on at the next start: nothing is lost.
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
