"""The office service put together from its folder. Loads the register's models: Django is set up before (`desk.start.prepare`)."""

from amparo_credentials.card import CardSigner
from amparo_log.follow import LogFollower
from amparo_office import config
from amparo_office.cards import CardOffice
from amparo_office.claims import Claims
from amparo_office.cycles import Cycles
from amparo_office.http import OfficeServer
from amparo_office.programmes import Programmes
from amparo_office.staff import Staff
from amparo_office.store import open_database
from amparo_service.client import Client
from amparo_service.keys import secret_bytes, signing_key
from amparo_service.login import KEY as LOGIN_KEY
from amparo_service.login import LogIns
from amparo_service.practice_clock import clock_for
from amparo_service.serve import ServiceArguments


def build(arguments: ServiceArguments) -> OfficeServer:
    """The office with everything it needs, from its folder."""
    folder, clock = arguments.data, clock_for(arguments.practice_clock)
    settings = config.load(folder)
    key, receipt_key = signing_key(folder, "publish-key"), signing_key(folder, "receipt-key")
    # Every key before the database: a database without its keys means that they were lost.
    secret = {name: secret_bytes(folder, name) for name in ("card-key", "verifier-key")}
    database = open_database(folder / "office.sqlite")
    log = LogFollower(Client(settings.log_url), settings.log_vkey, folder / "log-seen")
    programmes = Programmes(log, key=key, clock=clock)
    cards = CardOffice(
        database,
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
        programmes=programmes,
        cycles=cycles,
        claims=Claims(
            database,
            log,
            publish_key=key,
            mint=Client(settings.mint_url, patience=1),
            logins=LogIns(signing_key(folder, LOGIN_KEY), issuer=settings.login_issuer, clock=clock),
        ),
        cards=cards,
        clock=clock,
        practice=arguments.practice_clock is not None,
    )
