"""Errors of the credentials.

AmparoError
  CredentialsError
    CodeMalformed       credentials.malformed
    CodeSealed          credentials.sealed
    CodeNotGenuine      credentials.not_genuine
    CodeExpired         credentials.expired
    WrongVerifierKey    credentials.wrong_verifier_key
"""

from amparo_common.errors import AmparoError


class CredentialsError(AmparoError):
    """Base of this package's errors."""

    code = "credentials.error"


class CodeMalformed(CredentialsError):
    """A text is not a card code."""

    code = "credentials.malformed"
    why = "It is cut, badly scanned, or a code of another kind."
    todo = "Scan the inside of the card again, flat and in good light."


class CodeSealed(CredentialsError):
    """A sealed card code without a verifier's key."""

    code = "credentials.sealed"
    http_status = 403
    why = "The code is sealed: only registered verifiers can read it, so nothing about the person is shown."
    todo = "Register as a verifier if your work needs it; a shop never does."


class CodeNotGenuine(CredentialsError):
    """A card code that this programme did not sign."""

    code = "credentials.not_genuine"
    http_status = 403
    why = "The signature does not belong to this content and the programme's logged card key."
    todo = "Treat the card as false, keep no copy, and tell the office."


class CodeExpired(CredentialsError):
    """A card whose time has passed."""

    code = "credentials.expired"
    http_status = 403
    why = "Every card has an end date."
    todo = "Renew it at any office; nobody loses aid because a card has expired."


class WrongVerifierKey(CredentialsError):
    """A sealed code that this verifier's key does not open."""

    code = "credentials.wrong_verifier_key"
    http_status = 403
    why = "It was sealed for other verifiers, or the key is from another period."
    todo = "Get the present verifier key from the programme."
