"""Runs the office as a process of its own: `python -m amparo_office --data FOLDER`."""

import sys

import msgspec

from amparo_common.errors import AmparoError
from amparo_credentials.card import CardSigner
from amparo_log.follow import LogFollower
from amparo_office import config
from amparo_office.cards import CardOffice
from amparo_office.claims import Claims
from amparo_office.cycles import Cycles
from amparo_office.http import OfficeServer
from amparo_office.identity import IdentitySealer
from amparo_office.programmes import Programmes
from amparo_office.staff import Staff
from amparo_office.store import MIGRATIONS
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_service.keys import require_keys, secret_bytes, signing_key
from amparo_service.practice_clock import clock_for
from amparo_service.serve import ServiceArguments, exit_with_words, parse_arguments, prepare_folder, run_service

KEY_FILES = (
    "publish-key.pem",
    "receipt-key.pem",
    "identity-key.bin",
    "card-key.bin",
    "verifier-key.bin",
    "pseudonym-key.bin",
)


def build(arguments: ServiceArguments) -> OfficeServer:
    """The office with everything it needs, from its folder."""
    folder, clock = arguments.data, clock_for(arguments.practice_clock)
    settings = config.load(folder)
    key, receipt_key = signing_key(folder, "publish-key"), signing_key(folder, "receipt-key")
    # Every key before the database: a database without its keys means that they were lost.
    secret = {
        name: secret_bytes(folder, name) for name in ("identity-key", "card-key", "verifier-key", "pseudonym-key")
    }
    database = Database(folder / "office.sqlite", MIGRATIONS)
    log = LogFollower(Client(settings.log_url), settings.log_vkey, folder / "log-seen")
    sealer = IdentitySealer(secret["identity-key"])
    programmes = Programmes(log, key=key, clock=clock)
    cards = CardOffice(
        database,
        sealer,
        signer=CardSigner(settings.issuer, secret["card-key"]),
        verifier_key=secret["verifier-key"],
        sealed=not settings.open_cards,
        contact=settings.contact,
        clock=clock,
    )
    cycles = Cycles(
        database,
        log,
        programmes,
        publish_key=key,
        receipt_key=receipt_key,
        pseudonym_key=secret["pseudonym-key"],
        clock=clock,
        smallest_crowd=settings.smallest_crowd,
    )
    return OfficeServer(
        folder,
        database,
        key=key,
        receipt_key=receipt_key,
        log=log,
        staff=Staff(database, folder),
        sealer=sealer,
        programmes=programmes,
        cycles=cycles,
        claims=Claims(database, log, publish_key=key, mint=Client(settings.mint_url, patience=1)),
        cards=cards,
        practice=arguments.practice_clock is not None,
    )


def main() -> None:
    """Start the office, or print its public key with `--keys`."""
    arguments, only_keys = parse_arguments("office", "The people side: register, programmes, decisions, cards.")
    try:
        prepare_folder(arguments.data)
        require_keys(arguments.data, "office.sqlite", KEY_FILES)
        if only_keys:
            key = signing_key(arguments.data, "publish-key")
            sys.stdout.write(msgspec.json.encode({"jwk": key.public.jwk}).decode() + "\n")
            return
        server = build(arguments)
        server.introduce()
        run_service(make_app(server.routes(), lifespan=server.lifespan), arguments)
    except AmparoError as error:
        exit_with_words(error)


if __name__ == "__main__":
    main()
