"""Runs the log as a process of its own: `python -m amparo_log --data FOLDER`."""

import sys

import msgspec

from amparo_common.errors import AmparoError
from amparo_log import config
from amparo_log.http import routes
from amparo_log.note import NoteSigner
from amparo_log.service import TransparencyLog
from amparo_log.store import SCHEMA
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_service.keys import require_keys, secret_bytes
from amparo_service.practice_clock import clock_for
from amparo_service.serve import exit_with_words, parse_arguments, prepare_folder, run_service

KEY_FILES = ("note-key.bin",)


def main() -> None:
    """Start the log, or print its public key with `--keys`."""
    arguments, only_keys = parse_arguments("log", "The public transparency log.")
    try:
        prepare_folder(arguments.data)
        require_keys(arguments.data, "log.sqlite", KEY_FILES)
        signer = NoteSigner(config.origin(arguments.data), secret_bytes(arguments.data, "note-key").reveal())
        if only_keys:
            sys.stdout.write(msgspec.json.encode({"vkey": signer.vkey}).decode() + "\n")
            return
        log = TransparencyLog(
            Database(arguments.data / "log.sqlite", [SCHEMA]),
            signer,
            publishers=config.load(arguments.data).by_key(),
            clock=clock_for(arguments.practice_clock),
        )
        app = make_app(routes(log, practice=arguments.practice_clock is not None), phones=("/checkpoint", "/tile/"))
        run_service(app, arguments)
    except AmparoError as error:
        exit_with_words(error)


if __name__ == "__main__":
    main()
