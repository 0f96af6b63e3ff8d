"""The version of a keyset is a plug point: a second way of signing is one class and one line; keysets of both serve one batch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from packages.signer.tests.conftest import output, run

from amparo_signer import folder
from amparo_signer.batch import choose_engine
from amparo_signer.errors import VersionUnknown
from amparo_signer.files import FolderLock
from amparo_signer.folder import KeyFolder
from amparo_signer.keymemory import DenominationKey
from amparo_signer.local import LocalSigner
from amparo_signer.protocol import ExchangeJob, ToSign, ToVerify
from amparo_signer.schemes import Scheme, schemes
from amparo_signer.seal import default_seal
from amparo_signer.service import SignerService

TOY = "fe"


class ToyScheme:
    """Signs by writing backwards, which nobody should rely on: signatures of another length, no proof, points of its own."""

    version = TOY

    def derive(self, seed: bytes, amount: int) -> DenominationKey:
        """Any key."""
        return DenominationKey((int.from_bytes(seed, "big") % 2**200 + amount).to_bytes(32, "big"))

    def id_of(self, keys: Mapping[int, str], *, unit: str, final_expiry: int | None) -> str:
        """The version, then something of the keys."""
        del unit, final_expiry
        return TOY + keys[1][2:66]

    def show(self, key: DenominationKey) -> str:
        """Its public half."""
        return key.public.format().hex()

    def verify(
        self, keys: Sequence[DenominationKey], secrets: Sequence[bytes], signatures: Sequence[bytes]
    ) -> list[bytes]:
        """A token is genuine when its signature is its secret backwards."""
        assert len(keys) == len(secrets)
        return [
            b"toy " + secret if signed == secret[::-1] else b""
            for secret, signed in zip(secrets, signatures, strict=True)
        ]

    def sign(self, keys: Sequence[DenominationKey], blinded: Sequence[bytes]) -> list[bytes]:
        """An output backwards."""
        assert len(keys) == len(blinded)
        return [each[::-1] for each in blinded]


def opened(path: Path, known: Mapping[str, Scheme]) -> LocalSigner:
    """A signer that knows these ways."""
    keys = KeyFolder(path, default_seal(path, in_use=any(path.glob("*.seed"))), known)
    return LocalSigner(SignerService(keys, FolderLock(path)))


def test_keysets_of_two_versions_are_kept_in_one_folder_and_serve_one_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual: dict[str, Scheme] = schemes(choose_engine())
    both = usual | {TOY: ToyScheme()}

    async def story() -> None:
        signer = opened(tmp_path, both)
        old = await signer.make_keyset("KES", "2026-11", None)
        monkeypatch.setattr(folder, "CURRENT", TOY)
        new = await signer.make_keyset("KES", "2026-12", None)
        assert (old.id[:2], new.id[:2]) == ("01", TOY)
        plain = output(8)
        first, second = await signer.exchange(
            [old.id, new.id],
            [
                ExchangeJob([ToVerify(1, 2, b"bread", b"daerb")], [plain, ToSign(1, 4, b"abc")]),
                ExchangeJob([ToVerify(1, 2, b"bread", b"bread")], [plain]),
            ],
        )
        assert (first.points, first.signatures[1], first.refused) == ([b"toy bread"], b"cba", "")
        (alone,) = await signer.exchange([old.id], [ExchangeJob([], [plain])])
        assert first.signatures[0] == alone.signatures[0]
        assert (second.signatures, second.refused) == ([], "proof_false")
        signer.close()
        again = opened(tmp_path, both)
        assert {each.id for each in await again.keysets()} == {old.id, new.id}
        again.close()

    run(story())
    with pytest.raises(VersionUnknown):
        opened(tmp_path, usual)
