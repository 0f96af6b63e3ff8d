"""Runs the mint as a process of its own: `python -m amparo_mint --data FOLDER`. Its signer is another process."""

import asyncio
import sys

import msgspec

from amparo_common.errors import AmparoError
from amparo_mint.assemble import make_server
from amparo_mint.direct import DirectProtocol
from amparo_mint.http import MintServer
from amparo_mint.operate import NOTE
from amparo_service.keys import require_keys, signing_key
from amparo_service.serve import exit_with_words, parse_arguments, prepare_folder, run_service

KEY_FILES = ("publish-key.pem", "hash-key.bin")


def main() -> None:
    """Start the mint, or print its public key with `--keys`."""
    arguments, only_keys = parse_arguments("mint", "The token side: issues, swaps and redeems blind-signed aid.")
    try:
        prepare_folder(arguments.data)
        # With PostgreSQL the note stands beside the keys, and the database elsewhere.
        for beside in ("mint.sqlite", NOTE):
            require_keys(arguments.data, beside, KEY_FILES)
        key = signing_key(arguments.data, "publish-key")
        if only_keys:
            sys.stdout.write(msgspec.json.encode({"jwk": key.public.jwk}).decode() + "\n")
            return
        server = make_server(arguments)
        app = server.app()
        try:
            run_service(app, arguments, http=DirectProtocol, websockets=_websockets(server))
        finally:
            # Also when the server ends the process by itself because the application did not start: it says no word about it.
            if app.failure is not None:
                raise app.failure
    except AmparoError as error:
        exit_with_words(error)


def _websockets(server: MintServer) -> type[asyncio.Protocol] | None:
    if server.sockets is None:
        return None
    # Its library is a tenth of a start.
    from amparo_mint.socket_protocol import DroppingProtocol

    return DroppingProtocol


if __name__ == "__main__":
    main()
