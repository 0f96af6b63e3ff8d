"""Seeds sealed by a PKCS#11 token, tried with SoftHSM2: the sealing key never leaves it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from packages.signer.tests.conftest import Process, run
from tests.needed import cannot_run

from amparo_common.secret import Secret
from amparo_signer.__main__ import token_seal
from amparo_signer.client import SignerClient
from amparo_signer.errors import SealKeyMissing, SealKeyWrong, SeedDamaged, SignerError, TokenUnusable
from amparo_signer.seal import KeySeal, Seal
from amparo_signer.service import ChooseSeal, open_service, reseal_folder

try:
    import pkcs11
except ModuleNotFoundError:
    cannot_run("the extra amparo-signer[pkcs11] is not installed", whole_file=True)
LIBRARIES = [
    path
    for pattern in ("lib/softhsm/libsofthsm2.so", "lib/*/softhsm/libsofthsm2.so", "lib64/*/libsofthsm2.so")
    for path in Path("/usr").glob(pattern)
]
if not LIBRARIES or shutil.which("softhsm2-util") is None:
    cannot_run("SoftHSM2 is not installed (Debian: softhsm2)", whole_file=True)
PIN = "4321"


class SoftToken(NamedTuple):
    """A token called "amparo" with the keys "seal" and "other"."""

    module: str
    environment: dict[str, str]
    pin_file: Path

    def named(self, key_label: str = "seal", token_label: str = "amparo") -> str:
        """As the command line names a key."""
        return f"{self.module}:{token_label}:{key_label}"

    def seal(self, key_label: str = "seal") -> Seal:
        """The seal of a key."""
        return token_seal(self.named(key_label), self.pin_file)

    def choose(self, key_label: str = "seal") -> ChooseSeal:
        """The choice of a key for a folder."""

        def choose(folder: Path, *, in_use: bool) -> Seal:
            return self.seal(key_label)

        return choose


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    """A fresh token. The library reads its settings once per process, so there is one for all tests."""
    folder = tmp_path_factory.mktemp("token")
    settings = folder / "softhsm2.conf"
    (folder / "tokens").mkdir()
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    (folder / "pin").write_text(f"{PIN}\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SOFTHSM2_CONF", str(settings))
        command = ["softhsm2-util", "--init-token", "--free", "--label", "amparo", "--so-pin", "87654321", "--pin", PIN]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        library = str(LIBRARIES[0])
        with pkcs11.lib(library).get_token(token_label="amparo").open(rw=True, user_pin=PIN) as session:
            for label in ("seal", "other"):
                session.generate_key(pkcs11.KeyType.AES, 256, label=label, store=True)
        yield SoftToken(library, {"SOFTHSM2_CONF": str(settings)}, folder / "pin")


def test_the_key_stays_in_the_token(token: SoftToken) -> None:
    with pkcs11.lib(token.module).get_token(token_label="amparo").open(user_pin=PIN) as session:
        key = session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, label="seal")
        assert key[pkcs11.Attribute.SENSITIVE]
        assert not key[pkcs11.Attribute.EXTRACTABLE]


def test_what_a_token_seals_only_it_opens(token: SoftToken) -> None:
    seal, other = token.seal(), token.seal("other")
    sealed = seal.close_up(b"seed", b"name")
    assert seal.open(sealed, b"name") == b"seed"
    assert seal.close_up(b"seed", b"name") != sealed
    assert b"seed" not in sealed
    assert seal.mark != other.mark
    for wrong, opened_as in ((other, b"name"), (seal, b"other name"), (KeySeal(Secret(bytes(32))), b"name")):
        with pytest.raises(SeedDamaged):
            wrong.open(sealed, opened_as)
    for place in range(len(sealed)):
        with pytest.raises(SeedDamaged):
            seal.open(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :], b"name")
    for cut in (b"", sealed[:12], sealed[:-1]):
        with pytest.raises(SignerError):
            seal.open(cut, b"name")


@pytest.mark.parametrize(
    "named",
    [
        "",
        "only-a-module",
        "/no/such/library.so:amparo:seal",
        "{module}:no such token:seal",
        "{module}:amparo:no such key",
        "{module}:amparo:",
        "{module}:amparo:seal:more",
    ],
)
def test_a_token_that_cannot_be_used_is_refused_in_words(token: SoftToken, named: str) -> None:
    with pytest.raises(TokenUnusable):
        token_seal(named.format(module=token.module), token.pin_file)


def test_a_wrong_pin_is_refused_in_words(token: SoftToken, tmp_path: Path) -> None:
    wrong = tmp_path / "pin"
    wrong.write_text("9999")
    for pin_file in (wrong, tmp_path / "absent", None):
        with pytest.raises(TokenUnusable) as caught:
            token_seal(token.named(), pin_file)
        assert "9999" not in str(caught.value)


def test_a_signer_with_a_token_restarts_and_moves_to_another_key(token: SoftToken, tmp_path: Path) -> None:
    service = open_service(tmp_path, token.choose())
    made = service.make_keyset("KES", "1", None)
    service.close()
    assert not (tmp_path / "seal-key.bin").exists()
    with pytest.raises(SealKeyMissing):
        open_service(tmp_path)
    with pytest.raises(SealKeyWrong):
        open_service(tmp_path, token.choose("other"))
    assert reseal_folder(tmp_path, token.choose(), token.choose("other")) == 1
    service = open_service(tmp_path, token.choose("other"))
    assert service.keysets() == [made]
    service.close()


def test_a_signer_moves_from_its_own_key_file_into_a_token(
    token: SoftToken, start: Callable[..., Process], tmp_path: Path
) -> None:
    service = open_service(tmp_path)
    made = service.make_keyset("KES", "1", None)
    service.close()
    moved = start(
        tmp_path, "--reseal-to-pkcs11", token.named(), "--reseal-pin-file", token.pin_file, **token.environment
    )
    assert moved.end() == (0, "1 seeds are sealed with the new key.\n")
    assert not (tmp_path / "seal-key.bin").exists()
    process = start(tmp_path, "--pkcs11", token.named(), AMPARO_SIGNER_PIN=PIN, **token.environment)
    client = SignerClient(process.socket)
    assert run(client.keysets()) == [made]
    later = run(client.make_keyset("KES", "2", None))
    client.close()
    assert process.stop() == (0, "")
    process = start(tmp_path, "--pkcs11", token.named(), "--pkcs11-pin-file", token.pin_file, **token.environment)
    client = SignerClient(process.socket)
    assert run(client.keysets()) == [made, later]
    client.close()


def test_without_the_pin_the_process_says_so(token: SoftToken, start: Callable[..., Process], tmp_path: Path) -> None:
    assert "AMPARO_SIGNER_PIN" not in os.environ
    status, said = start(tmp_path / "new", "--pkcs11", token.named(), **token.environment).end()
    assert (status, "[signer.token_unusable]" in said) == (3, True)
    assert "Traceback" not in said
