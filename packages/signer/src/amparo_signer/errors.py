"""Errors of the signer, raised on both ends of its socket.

AmparoError
  SignerError
    SignerUnreachable     signer.unreachable
    SignerBusy            signer.busy
    CallerRefused         signer.caller_refused
    QuestionMalformed     signer.question_malformed
    FrameTooLarge         signer.frame_too_large
    SignerRefused         signer.refused
    SignerFailed          signer.failed
    KeysetRefused         signer.keyset_refused
    KeysetRetired         signer.keyset_retired
    KeysetNotHere         signer.keyset_not_here
    VersionUnknown        signer.version_unknown
    SeedMissing           signer.seed_missing
    SeedDamaged           signer.seed_damaged
    SealKeyWrong          signer.seal_key_wrong
    SealKeyMissing        signer.seal_key_missing
    SealKeyUnusable       signer.seal_key_unusable
    TokenUnusable         signer.token_unusable
    CannotKeep            signer.cannot_keep
    AlreadyRunning        signer.already_running
    SocketPathTooLong     signer.socket_path_too_long
    SocketPathTaken       signer.socket_path_taken
"""

from amparo_common.errors import AmparoError


class SignerError(AmparoError):
    """Base of this package's errors."""

    code = "signer.error"
    http_status = 503


class SignerUnreachable(SignerError):
    """The signer gave no answer."""

    code = "signer.unreachable"
    why = "It is stopped, starting or too busy."
    todo = "Try again; nothing was lost, and repeating is safe."


class SignerBusy(SignerError):
    """The signer has as many connections as it takes."""

    code = "signer.busy"
    why = "Connections are bounded so that nobody can fill its memory."
    todo = "Try again, or use fewer connections."


class CallerRefused(SignerError):
    """The signer does not serve this user of the machine."""

    code = "signer.caller_refused"
    why = "Only its own user, and those named with --allow-uid, may ask it."
    todo = "Run the mint as the signer's user, or name the mint's user with --allow-uid."


class QuestionMalformed(SignerError):
    """A question to the signer cannot be read."""

    code = "signer.question_malformed"
    http_status = 500
    why = "Mint and signer are of different releases, or something else writes to the socket."
    todo = "Start the mint and the signer of the same release."


class FrameTooLarge(SignerError):
    """A message to or from the signer is too large."""

    code = "signer.frame_too_large"
    http_status = 413
    why = "Messages are bounded so that nobody can fill the memory."
    todo = "Put fewer jobs into one call."


class SignerRefused(SignerError):
    """The signer refused with a code that this release does not know; its words are kept."""

    code = "signer.refused"
    why = "The mint and the signer are of different releases."
    todo = "Start the mint and the signer of the same release."


class SignerFailed(SignerError):
    """Something failed in the signer that nobody thought of."""

    code = "signer.failed"
    http_status = 500
    why = "This is a fault of the system, never a decision about anybody."
    todo = "Try again; repeating is safe. The signer's log names the kind of fault."


class KeysetRefused(SignerError):
    """A keyset cannot be made for this unit, period and end."""

    code = "signer.keyset_refused"
    http_status = 400
    why = "Unit and period are short printable texts, and the end is a time in seconds or nothing."
    todo = "Use a shorter or plainer unit and period."


class KeysetRetired(SignerError):
    """The keyset of this unit, period and end was retired."""

    code = "signer.keyset_retired"
    http_status = 400
    why = "Its private keys were destroyed for good, and a second keyset under the same description would mislead."
    todo = "Use the keyset of another period."


class KeysetNotHere(SignerError):
    """The signer has never had this keyset."""

    code = "signer.keyset_not_here"
    http_status = 400
    why = "The id is wrong, or the signer works on another folder."
    todo = "Ask the signer for its keysets and compare."


class VersionUnknown(SignerError):
    """A keyset has a version that this release cannot sign with."""

    code = "signer.version_unknown"
    why = "Its id begins with a version byte that no scheme here has: it was made by a newer release."
    todo = "Start the release that made it."


class SeedMissing(SignerError):
    """A keyset's seed is not in the folder."""

    code = "signer.seed_missing"
    why = "A new seed in its place would silently make every token of the keyset worthless."
    todo = "Put the file back from the backup. Only if it is lost for good: the package's README says what that means."


class SeedDamaged(SignerError):
    """A keyset's file cannot be opened."""

    code = "signer.seed_damaged"
    why = "It was changed, cut or renamed, or it was not sealed with this sealing key."
    todo = "Put the file back from the backup."


class SealKeyWrong(SignerError):
    """A seed is sealed with another sealing key."""

    code = "signer.seal_key_wrong"
    why = "Each seed names the sealing key it needs, and this is not it."
    todo = "Give the right --seal-key or --pkcs11. If a reseal was interrupted, run it again with both keys."


class SealKeyMissing(SignerError):
    """There is no sealing key although there are keysets."""

    code = "signer.seal_key_missing"
    why = "A new sealing key cannot open what an earlier one sealed."
    todo = "Put seal-key.bin back from the backup, or give the --seal-key or --pkcs11 that was used before."


class SealKeyUnusable(SignerError):
    """The file given as the sealing key is none."""

    code = "signer.seal_key_unusable"
    why = "A sealing key is a file of 32 bytes or 64 hex digits that other users of the machine cannot read."
    todo = "Make one with: head -c 32 /dev/urandom > FILE; chmod 600 FILE"


class TokenUnusable(SignerError):
    """The PKCS#11 token does not seal or open."""

    code = "signer.token_unusable"
    why = "It is absent, the PIN is wrong, or it has no AES key of that label that may encrypt and decrypt."
    todo = "Check MODULE:TOKEN-LABEL:KEY-LABEL and the PIN, and install amparo-signer[pkcs11]."


class CannotKeep(SignerError):
    """The disk did not take what had to be kept."""

    code = "signer.cannot_keep"
    why = "The disk is full, read-only or failing; nothing was half-written."
    todo = "Free some space and try again."


class AlreadyRunning(SignerError):
    """Another signer works on this folder or socket."""

    code = "signer.already_running"
    why = "Two signers on one folder could each make a key that the other does not know."
    todo = "Stop the other one first."


class SocketPathTooLong(SignerError):
    """The path of the signer's socket is too long."""

    code = "signer.socket_path_too_long"
    why = "The operating system bounds the path of a socket."
    todo = "Name a shorter one with --socket, for example in a folder under /run."


class SocketPathTaken(SignerError):
    """Something that is no socket lies where the signer's socket should be."""

    code = "signer.socket_path_taken"
    why = "It could be somebody's file, so it is not replaced."
    todo = "Move it away, or name another path with --socket."
