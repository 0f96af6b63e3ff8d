"""Runs the office as a process of its own: `python -m amparo_office --data FOLDER`. The register is the desk's, in the same folder
or in the database that AMPARO_OFFICE_DATABASE names."""

import sys

import msgspec

from amparo_common.errors import AmparoError
from amparo_office.desk import start
from amparo_service.http import make_app
from amparo_service.keys import require_keys, signing_key
from amparo_service.login import KEY as LOGIN_KEY
from amparo_service.serve import exit_with_words, parse_arguments, prepare_folder, run_service

KEY_FILES = ("publish-key.pem", "receipt-key.pem", "card-key.bin", "verifier-key.bin")


def main() -> None:
    """Start the office, or print its public key with `--keys`."""
    arguments, only_keys = parse_arguments("office", "The people side: register, programmes, decisions, cards.")
    try:
        prepare_folder(arguments.data)
        require_keys(arguments.data, "office.sqlite", KEY_FILES)
        if only_keys:
            key, login = signing_key(arguments.data, "publish-key"), signing_key(arguments.data, LOGIN_KEY)
            sys.stdout.write(msgspec.json.encode({"jwk": key.public.jwk, "login": login.public.jwk}).decode() + "\n")
            return
        start.prepare(arguments)
        start.migrate()
        from amparo_office.assembly import build

        server = build(arguments)
        server.introduce()
        run_service(make_app(server.routes(), lifespan=server.lifespan, phones=("/wallet/",)), arguments)
    except AmparoError as error:
        exit_with_words(error)


if __name__ == "__main__":
    main()
