"""Runs the mint as a process of its own: `python -m amparo_mint --data FOLDER`."""

import sys

import msgspec

from amparo_common.errors import AmparoError
from amparo_log.follow import LogFollower
from amparo_mint import config
from amparo_mint.http import MintServer, protocol_error
from amparo_mint.operate import Operation
from amparo_mint.service import Mint
from amparo_mint.store import SCHEMA, GroupWriter, TokenHasher
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_service.keys import require_keys, secret_bytes, signing_key
from amparo_service.practice_clock import clock_for
from amparo_service.serve import exit_with_words, parse_arguments, prepare_folder, run_service

KEY_FILES = ("publish-key.pem", "hash-key.bin")


def main() -> None:
    """Start the mint, or print its public key with `--keys`."""
    arguments, only_keys = parse_arguments("mint", "The token side: issues, swaps and redeems blind-signed aid.")
    try:
        prepare_folder(arguments.data)
        require_keys(arguments.data, "mint.sqlite", KEY_FILES)
        key = signing_key(arguments.data, "publish-key")
        if only_keys:
            sys.stdout.write(msgspec.json.encode({"jwk": key.public.jwk}).decode() + "\n")
            return
        settings = config.load(arguments.data)
        # Every key before the database: a database without its keys means that they were lost.
        hasher = TokenHasher(secret_bytes(arguments.data, "hash-key"))
        database = Database(arguments.data / "mint.sqlite", [SCHEMA])
        log = LogFollower(Client(settings.log_url), settings.log_vkey, arguments.data / "log-seen")
        operation = Operation(arguments.data, database, key=key, log=log, shops=Client(settings.shops_url, patience=2))
        operation.introduce()
        mint = Mint(hasher, clock=clock_for(arguments.practice_clock), bridge_key=key)
        server = MintServer(
            mint, GroupWriter(database), hasher, operation, practice=arguments.practice_clock is not None
        )
        server.use_keysets()
        run_service(make_app(server.routes(), lifespan=server.lifespan, show=protocol_error), arguments)
    except AmparoError as error:
        exit_with_words(error)


if __name__ == "__main__":
    main()
