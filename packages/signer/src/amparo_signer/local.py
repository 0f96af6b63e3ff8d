"""The signer inside this process: for tests, benches and a mint that runs alone. Same answers as over the socket."""

import asyncio

from amparo_signer.protocol import Exchanged, ExchangeJob, PublicKeyset
from amparo_signer.service import SignerService


class LocalSigner:
    """A `Signer` without a process of its own. Its calls run in threads, so that the event loop goes on."""

    def __init__(self, keys: SignerService) -> None:
        self._keys = keys

    async def keysets(self) -> list[PublicKeyset]:
        """See `Signer`."""
        return self._keys.keysets()

    async def make_keyset(self, unit: str, period: str, final_expiry: int | None) -> PublicKeyset:
        """See `Signer`."""
        return await asyncio.to_thread(self._keys.make_keyset, unit, period, final_expiry)

    async def exchange(self, keysets: list[str], jobs: list[ExchangeJob]) -> list[Exchanged]:
        """See `Signer`."""
        return await asyncio.to_thread(self._keys.exchange, keysets, jobs)

    async def retire(self, keyset: str) -> None:
        """See `Signer`."""
        await asyncio.to_thread(self._keys.retire, keyset)

    def close(self) -> None:
        """Let go of the keys' folder."""
        self._keys.close()
