"""One denomination's private key in memory that is wiped when the last user lets go of it."""

import ctypes
import weakref

from coincurve import PublicKey

from amparo_cashu.curve import generator_times

SECRET_BYTES = 32
PUBLIC_BYTES = 65


class DenominationKey:
    """A private key beside its public key, as the C batch reads them: 32 bytes secret, 65 bytes uncompressed point.

    Printing it shows its public half only. LIMIT: `reveal` and the derivation make short-lived Python bytes, which
    Python does not wipe; the process therefore leaves no core dumps.
    """

    __slots__ = ("__weakref__", "_memory", "address", "public")

    def __init__(self, scalar: bytes) -> None:
        self.public: PublicKey = generator_times(scalar)
        content = scalar + self.public.format(compressed=False)
        memory = ctypes.create_string_buffer(content, SECRET_BYTES + PUBLIC_BYTES)
        self._memory = memory
        self.address = ctypes.addressof(memory)
        weakref.finalize(self, _wipe, memory)

    def __repr__(self) -> str:
        return f"<DenominationKey {self.public.format().hex()}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a private key is not pickled")

    def reveal(self) -> bytes:
        """The private key. For the plain fallback; the C batch reads it where it lies."""
        return self._memory.raw[:SECRET_BYTES]


def _wipe(memory: "ctypes.Array[ctypes.c_char]") -> None:
    ctypes.memset(memory, 0, len(memory))
