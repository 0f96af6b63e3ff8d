"""Puts the mint of a data folder together from its configuration, its keys and its database."""

from pathlib import Path

from amparo_log.follow import LogFollower
from amparo_mint import config
from amparo_mint.blind_auth import open_access
from amparo_mint.config import MintConfig
from amparo_mint.errors import BadConfiguration
from amparo_mint.http import MintServer
from amparo_mint.operate import SHOPS_SECONDS, Operation
from amparo_mint.service import Mint
from amparo_mint.signing import SigningDesk
from amparo_mint.sqlite_store import SqliteStore
from amparo_mint.store import Store, TokenHasher
from amparo_service.client import Client
from amparo_service.keys import secret_bytes, signing_key
from amparo_service.practice_clock import clock_for
from amparo_service.serve import ServiceArguments
from amparo_signer.client import SignerClient
from amparo_signer.protocol import Signer


def make_server(arguments: ServiceArguments) -> MintServer:
    """The mint of a data folder."""
    folder: Path = arguments.data
    settings = config.load(folder)
    # Every key before the database: a database without its keys means that they were lost.
    signing_key(folder, "publish-key")
    hasher = TokenHasher(secret_bytes(folder, "hash-key"))
    store = choose_store(settings.database, folder)
    signer = SignerClient(Path(settings.signer))
    operation = make_operation(folder, settings, store, signer)
    clock = clock_for(arguments.practice_clock)
    desk = SigningDesk(signer)
    mint = Mint(
        store,
        desk,
        hasher,
        clock=clock,
        crowd_needed=lambda unit, now: operation.crowd_needed(settings.crowd, unit, now),
        window_ends=lambda unit: operation.window_ends(settings.crowd, unit),
    )
    access = open_access(
        settings.clear_auth,
        settings.blind_auth,
        folder,
        store=store,
        desk=desk,
        hasher=hasher,
        commit=mint.commit,
        clock=clock,
    )
    practice = arguments.practice_clock is not None
    return MintServer(
        mint,
        store,
        hasher,
        operation,
        clock=clock,
        practice=practice,
        calendar=settings.calendar,
        access=access,
        sockets=settings.sockets,
    )


def make_operation(folder: Path, settings: MintConfig, store: Store, signer: Signer) -> Operation:
    """The errands of the mint of a data folder."""
    log = LogFollower(Client(settings.log_url), settings.log_vkey, folder / "log-seen")
    key = signing_key(folder, "publish-key")
    return Operation(
        folder, store, signer, key=key, log=log, shops=Client(settings.shops_url, patience=2, timeout=SHOPS_SECONDS)
    )


def choose_store(database: str, folder: Path) -> Store:
    """The database that the configuration names. Raises `BadConfiguration`."""
    if database == "sqlite":
        return SqliteStore(folder / "mint.sqlite")
    if database.startswith(("postgresql://", "postgres://")):
        # Its driver is a tenth of a start, and only who keeps tokens there needs it.
        from amparo_mint.postgres_store import PostgresStore

        return PostgresStore(database)
    raise BadConfiguration("The setting database is neither sqlite nor the address of a PostgreSQL database.")
