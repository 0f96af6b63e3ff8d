"""Errors of the token protocol. `number` is the code of the specification's error table, sent on the wire.

AmparoError
  TokenError
    BadPoint            token.bad_point
    BadToken            token.malformed
    ProofFalse          token.proof_false               10001
    AlreadySpent        token.already_spent             11001
    AlreadySigned       token.outputs_already_signed    11003
    NotBalanced         token.not_balanced              11005
    AmountRefused       token.amount_refused            11006
    DuplicateInputs     token.duplicate_inputs          11007
    DuplicateOutputs    token.duplicate_outputs         11008
    UnitsDiffer         token.units_differ              11010
    UnitUnknown         token.unit_unknown              11013
    TooMany             token.too_many                  11014
    KeysetUnknown       token.keyset_unknown            12001
    KeysetInactive      token.keyset_inactive           12002
    KeysetExpired       token.keyset_expired            12003
    QuoteNotPaid        token.quote_not_paid            20001
    QuoteIssued         token.quote_already_issued      20002
    QuoteUnknown        token.quote_unknown             20007
    QuoteSignatureFalse token.quote_signature_false     20008
    QuoteKeyMissing     token.quote_key_missing         20009
    LockNotOpen         token.lock_not_open             10001
    SignatureNotProved  token.signature_not_proved
    KeysetNotInLog      token.keyset_not_in_log
"""

from typing import ClassVar

from amparo_common.errors import AmparoError


class TokenError(AmparoError):
    """Base of this package's errors."""

    code = "token.error"
    number: ClassVar[int] = 10000


class BadPoint(TokenError):
    """A value is not a point of the curve."""

    code = "token.bad_point"
    number = 10001
    why = "Only compressed points of secp256k1 are accepted."
    todo = "Ask for the code again."


class BadToken(TokenError):
    """A token, secret or request cannot be read."""

    code = "token.malformed"
    why = "It is cut, changed or of an unknown version."
    todo = "Ask for the code again."


class ProofFalse(TokenError):
    """A token was not made by this mint."""

    code = "token.proof_false"
    number = 10001
    why = "Its signature was not made with the keyset's key."
    todo = "Do not hand over goods: this code is not genuine."


class AlreadySpent(TokenError):
    """A token was spent before."""

    code = "token.already_spent"
    number = 11001
    why = "Every token counts once, and this one is in the list of spent tokens."
    todo = "Do not hand over goods for it; ask for another code."


class AlreadySigned(TokenError):
    """An output was signed before in another request."""

    code = "token.outputs_already_signed"
    number = 11003
    why = "Each blinded message is signed once."
    todo = "Use fresh outputs, or restore the signatures of the old ones."


class NotBalanced(TokenError):
    """Inputs and outputs do not add up."""

    code = "token.not_balanced"
    number = 11005
    why = "What goes in must come out."
    todo = "Make the outputs add up to the inputs."


class AmountRefused(TokenError):
    """An amount is outside what this mint takes."""

    code = "token.amount_refused"
    number = 11006
    why = "Amounts are positive, bounded, and made of the keyset's denominations."
    todo = "Use the denominations of the keyset."


class DuplicateInputs(TokenError):
    """The same token stands twice in one request."""

    code = "token.duplicate_inputs"
    number = 11007
    why = "Every token counts once."
    todo = "Send each token once."


class DuplicateOutputs(TokenError):
    """The same blinded message stands twice in one request."""

    code = "token.duplicate_outputs"
    number = 11008
    why = "Two tokens from one blinded message would be the same token."
    todo = "Use a fresh secret for every output."


class UnitsDiffer(TokenError):
    """Tokens of different units are mixed."""

    code = "token.units_differ"
    number = 11010
    why = "One request is about one unit."
    todo = "Send one request per unit."


class UnitUnknown(TokenError):
    """The mint has no keyset of this unit."""

    code = "token.unit_unknown"
    number = 11013
    why = "Units are those of the published keysets."
    todo = "Ask for the mint's keysets and use one of their units."


class TooMany(TokenError):
    """A request has too many inputs or outputs."""

    code = "token.too_many"
    number = 11014
    why = "Requests are bounded so that nobody can block the others."
    todo = "Split it into several requests."


class KeysetUnknown(TokenError):
    """A keyset is not one of this mint's."""

    code = "token.keyset_unknown"
    number = 12001
    why = "Only keysets that the mint announced count."
    todo = "Ask for the mint's keysets again."


class KeysetInactive(TokenError):
    """A keyset no longer signs new tokens."""

    code = "token.keyset_inactive"
    number = 12002
    why = "New tokens are signed with the active keyset only."
    todo = "Ask for the active keyset and use it for the outputs."


class KeysetExpired(TokenError):
    """A keyset's time has passed."""

    code = "token.keyset_expired"
    number = 12003
    why = "Its value went back to the programme after the published date."
    todo = "Ask the programme for the way to have it re-issued."


class QuoteNotPaid(TokenError):
    """A quote is not paid for yet."""

    code = "token.quote_not_paid"
    number = 20001
    why = "The office has not said that this quote is paid."
    todo = "Try again later."


class QuoteIssued(TokenError):
    """A quote has already been issued, to other outputs."""

    code = "token.quote_already_issued"
    number = 20002
    why = "A quote gives its tokens once."
    todo = "Repeat the first request exactly, or restore its signatures."


class QuoteUnknown(TokenError):
    """There is no such quote."""

    code = "token.quote_unknown"
    number = 20007
    why = "The quote id is wrong, or the quote was never made here."
    todo = "Ask for a new quote."


class QuoteSignatureFalse(TokenError):
    """A claim is not signed with the quote's key."""

    code = "token.quote_signature_false"
    number = 20008
    why = "Only whoever made the quote can claim it."
    todo = "Claim it with the wallet that made the quote."


class QuoteKeyMissing(TokenError):
    """A quote for aid was asked for without a key."""

    code = "token.quote_key_missing"
    number = 20009
    why = "Without a key, anyone who saw the quote's id could take the aid."
    todo = "Send a fresh public key with the quote."


class LockNotOpen(TokenError):
    """A locked token was offered without the signature that opens it."""

    code = "token.lock_not_open"
    number = 10001
    why = "It is locked to a shop's key."
    todo = "Only that shop can redeem it, or its payer after the lock time."


class SignatureNotProved(TokenError):
    """The mint's signature comes without a valid proof that it used its published key (NUT-12)."""

    code = "token.signature_not_proved"
    why = "A mint could mark a person by signing with another key."
    todo = "Refuse it and keep the answer as evidence."


class KeysetNotInLog(TokenError):
    """A token or answer uses a keyset that is not in the public log."""

    code = "token.keyset_not_in_log"
    why = "A mint could mark a person by giving them a keyset of their own."
    todo = "Refuse it and keep the answer as evidence."
