"""Errors of the token protocol. `number` is the code of the specification's error table (error_codes.md), sent on the wire;
10000, which the table leaves free, stands for what it has no number for.

AmparoError
  TokenError
    BadPoint            token.bad_point              10001
    BadToken            token.malformed
    ProofFalse          token.proof_false            10001
    AlreadySpent        token.already_spent          11001
    TokenPending        token.pending                11002
    AlreadySigned       token.outputs_already_signed 11003
    NotBalanced         token.not_balanced           11005
    AmountRefused       token.amount_refused         11006
    DuplicateInputs     token.duplicate_inputs       11007
    DuplicateOutputs    token.duplicate_outputs      11008
    UnitsMixed          token.units_mixed            11009
    UnitsDiffer         token.units_differ           11010
    UnitUnknown         token.unit_unknown           11013
    TooMany             token.too_many               11014
    TooManyOutputs      token.too_many_outputs       11015
    DuplicateQuotes     token.duplicate_quotes       11016
    TooManyQuotes       token.too_many_quotes        11017
    KeysetUnknown       token.keyset_unknown         12001
    KeysetInactive      token.keyset_inactive        12002
    KeysetExpired       token.keyset_expired         12003
    QuoteNotPaid        token.quote_not_paid         20001
    QuoteIssued         token.quote_already_issued   20002
    QuotePending        token.quote_pending          20005
    QuoteSettled        token.quote_settled          20006
    QuoteUnknown        token.quote_unknown
    QuoteSignatureFalse token.quote_signature_false  20008
    QuoteKeyMissing     token.quote_key_missing      20009
    ClearAuthMissing    token.clear_auth_missing     30001
    ClearAuthFalse      token.clear_auth_false       30002
    BlindAuthMissing    token.blind_auth_missing     31001
    BlindAuthFalse      token.blind_auth_false       31002
    TooManyAuthTokens   token.too_many_auth_tokens   31003
    AuthRateExceeded    token.auth_rate_exceeded     31004
    LockNotOpen         token.lock_not_open          10001
    SignatureNotProved  token.signature_not_proved
    KeysetNotInLog      token.keyset_not_in_log
    RequestNotMet       token.request_not_met
    FilterMalformed     token.filter_malformed
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


class TokenPending(TokenError):
    """A token is in a deposit that is not finished."""

    code = "token.pending"
    number = 11002
    why = "It belongs to another request until that is finished."
    todo = "Wait for the deposit it was handed in with."


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


class UnitsMixed(TokenError):
    """The inputs, or the outputs, are of several units."""

    code = "token.units_mixed"
    number = 11009
    why = "One request is about one unit."
    todo = "Send one request per unit."


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


class TooManyOutputs(TokenError):
    """A request asks for too many outputs."""

    code = "token.too_many_outputs"
    number = 11015
    why = "Requests are bounded so that nobody can block the others."
    todo = "Split it into several requests."


class DuplicateQuotes(TokenError):
    """The same quote stands twice in one request."""

    code = "token.duplicate_quotes"
    number = 11016
    why = "A quote gives its tokens once."
    todo = "Name each quote once."


class TooManyQuotes(TokenError):
    """A request names too many quotes."""

    code = "token.too_many_quotes"
    number = 11017
    why = "Batches are bounded so that nobody can block the others."
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


class QuoteSettled(TokenError):
    """A deposit was settled before, with other tokens."""

    code = "token.quote_settled"
    number = 20006
    why = "A deposit is made once."
    todo = "Ask for a new quote for these tokens."


class QuotePending(TokenError):
    """A quote is being carried out with other tokens."""

    code = "token.quote_pending"
    number = 20005
    why = "One request at a time carries out a quote."
    todo = "Wait for its end, or repeat the first request exactly."


class QuoteUnknown(TokenError):
    """There is no such quote."""

    code = "token.quote_unknown"
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


class ClearAuthMissing(TokenError):
    """This needs a log-in."""

    code = "token.clear_auth_missing"
    number = 30001
    why = "The mint lists this request as open to known users only."
    todo = "Log in and send the token in the header Clear-auth."


class ClearAuthFalse(TokenError):
    """A log-in token is not valid."""

    code = "token.clear_auth_false"
    number = 30002
    why = "It has ended, or was not made by the log-in service of this mint."
    todo = "Log in again."


class BlindAuthMissing(TokenError):
    """This request costs one access token."""

    code = "token.blind_auth_missing"
    number = 31001
    why = "Access tokens bound the load of each wallet without naming it."
    todo = "Send one in the header Blind-auth."


class BlindAuthFalse(TokenError):
    """An access token is not valid."""

    code = "token.blind_auth_false"
    number = 31002
    why = "It is malformed, not made by this mint, or spent."
    todo = "Use a fresh access token."


class TooManyAuthTokens(TokenError):
    """More access tokens were asked for than one request may have."""

    code = "token.too_many_auth_tokens"
    number = 31003
    why = "The mint publishes how many it gives at once."
    todo = "Ask for fewer."


class AuthRateExceeded(TokenError):
    """Access tokens were asked for too often."""

    code = "token.auth_rate_exceeded"
    number = 31004
    why = "Each wallet gets a bounded number in a period."
    todo = "Try again in the next period."


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


class RequestNotMet(TokenError):
    """A payment does not meet the request that it answers."""

    code = "token.request_not_met"
    why = "Mint, unit, amount or lock differ from what was asked."
    todo = "Pay again as the request says."


class FilterMalformed(TokenError):
    """A filter of spent tokens cannot be read."""

    code = "token.filter_malformed"
    why = "It is cut, changed or of an unknown version."
    todo = "Fetch the filter again; until then, take payments online only."
