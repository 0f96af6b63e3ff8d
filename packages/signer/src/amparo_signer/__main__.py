"""`python -m amparo_signer --data FOLDER`: the signer as a process, its public keys printed, or its seeds sealed anew."""

import argparse
import ctypes
import gc
import logging
import os
import resource
import signal
import sys
import threading
from pathlib import Path

import msgspec

from amparo_common.errors import AmparoError
from amparo_common.secret import Secret
from amparo_signer.batch import choose_engine
from amparo_signer.errors import TokenUnusable
from amparo_signer.keyset import Denominations
from amparo_signer.seal import Seal, default_seal, seal_from_file
from amparo_signer.server import Server, listen
from amparo_signer.service import SignerService, open_service, reseal_folder

PIN_VARIABLE = "AMPARO_SIGNER_PIN"
_PR_SET_DUMPABLE = 4
_MOST_POWERS = 63


class SealChoice(msgspec.Struct, frozen=True):
    """Where a sealing key is: in a file, in a token, or (neither) beside the seeds."""

    key_file: Path | None
    token: str | None
    pin_file: Path | None

    def seal(self, folder: Path, *, in_use: bool) -> Seal:
        """The seal itself. Raises `SealKeyUnusable`, `SealKeyMissing`, `TokenUnusable`, `CannotKeep`."""
        if self.key_file is not None:
            return seal_from_file(self.key_file)
        if self.token is not None:
            return token_seal(self.token, self.pin_file)
        return default_seal(folder, in_use=in_use)


def token_seal(description: str, pin_file: Path | None) -> Seal:
    """The seal of a PKCS#11 token, MODULE:TOKEN-LABEL:KEY-LABEL. Raises `TokenUnusable`."""
    match description.split(":"):
        case [module, token_label, key_label] if module and token_label and key_label:
            pass
        case _:
            raise TokenUnusable("The token is not given as MODULE:TOKEN-LABEL:KEY-LABEL.")
    try:
        # The binding is an optional extra: whoever needs no token need not install it.
        from amparo_signer.token_seal import TokenSeal
    except ImportError as error:
        raise TokenUnusable("The Python binding of PKCS#11 is not installed.") from error
    return TokenSeal(module, token_label, key_label, _pin(pin_file))


def _pin(pin_file: Path | None) -> Secret:
    if pin_file is None:
        return Secret(os.environ.get(PIN_VARIABLE, "").encode())
    try:
        return Secret(pin_file.read_bytes().rstrip(b"\r\n"))
    except OSError as error:
        raise TokenUnusable("The file with the token's PIN cannot be read.") from error


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m amparo_signer", description=__doc__)
    made.add_argument("--data", type=Path, required=True, help="folder of the sealed seeds; made if needed")
    made.add_argument("--socket", type=Path, help="where to listen (default: the file signer.sock in that folder)")
    sealed = made.add_mutually_exclusive_group()
    sealed.add_argument("--seal-key", type=Path, help="file with the sealing key (default: seal-key.bin in the folder)")
    sealed.add_argument("--pkcs11", metavar="MODULE:TOKEN-LABEL:KEY-LABEL", help="seal with an AES key in a token")
    made.add_argument("--pkcs11-pin-file", type=Path, help=f"the token's PIN (default: the variable {PIN_VARIABLE})")
    renewed = made.add_mutually_exclusive_group()
    renewed.add_argument("--reseal-to-key", type=Path, metavar="FILE", help="seal every seed with this key, then exit")
    renewed.add_argument("--reseal-to-pkcs11", metavar="MODULE:TOKEN-LABEL:KEY-LABEL", help="the same with a token")
    made.add_argument("--reseal-pin-file", type=Path, help="the new token's PIN (default: as for the old one)")
    made.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="batches computed at once")
    made.add_argument(
        "--allow-uid", type=int, action="append", default=[], help="a user who may ask too; needs --socket"
    )
    made.add_argument(
        "--denominations",
        type=powers,
        action="append",
        default=[],
        metavar="UNIT=COUNT",
        help="how many powers of two, from 1 upwards, new keysets of a unit have (default: 14; auth: 1)",
    )
    made.add_argument("--plain", action="store_true", help="compute in plain Python even if the C batch is there")
    made.add_argument("--attached", action="store_true", help="stop when standard input closes (its starter is gone)")
    made.add_argument("--keys", action="store_true", help="print the public keys and which engine computes, then exit")
    return made


def powers(text: str) -> tuple[str, int]:
    """UNIT=COUNT. Raises `ArgumentTypeError`."""
    unit, _, count = text.rpartition("=")
    if not (unit and count.isdecimal() and 1 <= int(count) <= _MOST_POWERS):
        raise argparse.ArgumentTypeError(f"UNIT=COUNT, with a count from 1 to {_MOST_POWERS}")
    return unit, int(count)


def harden() -> None:
    """What this process holds must not reach a disk: no core dump, no reading of its memory by its own user's others."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def work_in_batches() -> None:
    """Let the mint finish what it does before the processor comes here. The mint does the same on a single core only
    (`amparo_service.process`): its answers are waited for, and a batch here is long enough for a clock tick."""
    if hasattr(os, "SCHED_BATCH"):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def serve(service: SignerService, socket_path: Path, given: argparse.Namespace) -> None:
    """Serve until SIGTERM, SIGINT or, if attached, the end of standard input."""
    users = frozenset((os.geteuid(), *given.allow_uid))
    listener = listen(socket_path, shared=len(users) > 1)
    server = Server(service, listener, users=users, threads=given.threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    if given.attached:
        threading.Thread(target=_stop_with_starter, args=(server,), name="attached", daemon=True).start()
    server.serve()


def _stop_with_starter(server: Server) -> None:
    # The other end of the pipe closes when the starter ends, however it ends: no signer is left behind.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.stop()


def run(given: argparse.Namespace) -> None:
    """Do what the command line says. Raises `AmparoError`."""
    seal = SealChoice(given.seal_key, given.pkcs11, given.pkcs11_pin_file)
    if given.reseal_to_key or given.reseal_to_pkcs11:
        new = SealChoice(given.reseal_to_key, given.reseal_to_pkcs11, given.reseal_pin_file or given.pkcs11_pin_file)
        count = reseal_folder(given.data, seal.seal, new.seal)
        sys.stdout.write(f"{count} seeds are sealed with the new key.\n")
        return
    amounts = Denominations(dict(given.denominations))
    service = open_service(given.data, seal.seal, denominations=amounts, plain=given.plain)
    os.environ.pop(PIN_VARIABLE, None)
    gc.freeze()
    try:
        if given.keys:
            shown = {"keysets": service.keysets(), "engine": choose_engine(plain=given.plain).name}
            sys.stdout.buffer.write(msgspec.json.encode(shown) + b"\n")
        else:
            serve(service, given.socket or (given.data / "signer").with_suffix(".sock"), given)
    finally:
        service.close()


def main() -> None:
    """The entry point: exit code 3 and one sentence when it cannot start."""
    commands = parser()
    given = commands.parse_args()
    if given.allow_uid and given.socket is None:
        commands.error("--allow-uid needs --socket: nobody else can reach a socket in the signer's own folder")
    if given.threads < 1:
        commands.error("--threads is at least 1")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    harden()
    work_in_batches()
    try:
        run(given)
    except AmparoError as error:
        sys.stderr.write(f"amparo: {error} [{error.code}]\n")
        raise SystemExit(3) from None


if __name__ == "__main__":
    main()
