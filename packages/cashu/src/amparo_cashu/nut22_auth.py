"""NUT-22: blind authentication tokens (BAT): one token of the unit `auth` and amount 1 pays for one request, and names nobody.

On the wire: `authA` and base64url of JSON {id, secret, C}, in the header `Blind-auth`. A token that reaches the mint carries
no proof (NUT-12): with the blinding factor the mint could link it to the log-in that got it, so `read_auth` refuses one that
does. Not here: whether it is genuine and unspent (the mint).
"""

import base64
import re

import msgspec

from amparo_cashu.errors import BadToken, BlindAuthFalse, BlindAuthMissing, TokenError
from amparo_cashu.schemes import point_data
from amparo_cashu.wire import AuthProof, Proof

UNIT = "auth"
AMOUNT = 1
HEADER = "Blind-auth"
LONGEST = 1_024
LONGEST_SECRET = 256
_PREFIX = "authA"
_KEYSET = re.compile(r"00[0-9a-f]{14}|01[0-9a-f]{64}")
_FIELDS = frozenset({"id", "secret", "C"})


def write_auth(proof: AuthProof) -> str:
    """The token as text for the mint, without its proof."""
    plain = msgspec.json.encode(msgspec.structs.replace(proof, dleq=None))
    return _PREFIX + base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def read_auth(header: str | None) -> AuthProof:
    """The token of a request's header. Raises `BlindAuthMissing` without one, `BlindAuthFalse` when it is malformed or
    carries more than its id, secret and point."""
    if not header:
        raise BlindAuthMissing("This request needs an access token.")
    text = header.strip()
    if len(text) > LONGEST or not text.startswith(_PREFIX):
        raise BlindAuthFalse("An access token is not of a known version.")
    encoded = text.removeprefix(_PREFIX).rstrip("=")
    try:
        content = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        fields = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        if set(fields) != _FIELDS:
            raise BlindAuthFalse("An access token carries something that no mint should see.")
        proof = msgspec.json.decode(content, type=AuthProof)
        if not _KEYSET.fullmatch(proof.id) or not 0 < len(proof.secret) <= LONGEST_SECRET:
            raise BlindAuthFalse("An access token's keyset or secret is malformed.")
        return msgspec.structs.replace(proof, C=point_data(proof.id, proof.C).hex())
    except BlindAuthFalse:
        raise
    except (ValueError, RecursionError, TokenError) as error:
        raise BlindAuthFalse("An access token cannot be read.") from error


def proof_of(auth: AuthProof) -> Proof:
    """The token in the form in which every other token is verified."""
    return Proof(amount=AMOUNT, id=auth.id, secret=auth.secret, C=auth.C, dleq=auth.dleq)


def auth_of(proof: Proof) -> AuthProof:
    """A finished token of the unit `auth` as an access token. Raises `BadToken` for another amount."""
    if proof.amount != AMOUNT:
        raise BadToken("An access token has the amount 1.")
    return AuthProof(id=proof.id, secret=proof.secret, C=proof.C, dleq=proof.dleq)
