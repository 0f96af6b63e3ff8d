"""Runs the shops side as a process of its own: `python -m amparo_shops --data FOLDER`."""

import sys

import msgspec

from amparo_common.errors import AmparoError
from amparo_log.follow import LogFollower
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_service.keys import require_keys, signing_key
from amparo_service.login import KEY as LOGIN_KEY
from amparo_service.login import LogIns
from amparo_service.practice_clock import clock_for
from amparo_service.serve import exit_with_words, parse_arguments, prepare_folder, run_service
from amparo_shops import config
from amparo_shops.bank_file import Party, check_account, check_name
from amparo_shops.http import ShopsServer
from amparo_shops.service import Shops
from amparo_shops.store import MIGRATIONS

KEY_FILES = ("publish-key.pem",)


def main() -> None:
    """Start the shops side, or print its public key with `--keys`."""
    arguments, only_keys = parse_arguments("shops", "The shops side: deposits, claims, settlement, ledger.")
    try:
        prepare_folder(arguments.data)
        require_keys(arguments.data, "shops.sqlite", KEY_FILES)
        key, login = signing_key(arguments.data, "publish-key"), signing_key(arguments.data, LOGIN_KEY)
        if only_keys:
            sys.stdout.write(msgspec.json.encode({"jwk": key.public.jwk, "login": login.public.jwk}).decode() + "\n")
            return
        settings, clock = config.load(arguments.data), clock_for(arguments.practice_clock)
        debtor = Party(name=check_name(settings.debtor_name), account=check_account(settings.debtor_account))
        shops = Shops(
            Database(arguments.data / "shops.sqlite", MIGRATIONS),
            clock=clock,
            debtor=debtor,
            currency=settings.currency,
        )
        log = LogFollower(Client(settings.log_url), settings.log_vkey, arguments.data / "log-seen")
        logins = LogIns(login, issuer=settings.login_issuer, clock=clock)
        practice = arguments.practice_clock is not None
        server = ShopsServer(shops, arguments.data, key=key, log=log, logins=logins, practice=practice)
        server.introduce()
        run_service(make_app(server.routes(), phones=("/mine/", "/claims", "/login")), arguments)
    except AmparoError as error:
        exit_with_words(error)


if __name__ == "__main__":
    main()
