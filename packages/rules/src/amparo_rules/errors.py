"""Errors of the rules.

AmparoError
  RulesError
    RuleNotReadable        rules.not_readable
    RuleRefused            rules.refused
    ForbiddenConcept       rules.forbidden_concept
    UnknownFact            rules.unknown_fact
    DefinitionNotAllowed   rules.definition_not_allowed
    FactOutOfRange         rules.fact_out_of_range
    ExampleFails           rules.example_fails
    AmountTooFine          rules.amount_too_fine
    ReceiptMalformed       rules.receipt_malformed
    ReceiptSignatureFalse  rules.receipt_signature_false
    DoesNotFollowRule      rules.does_not_follow_rule
    RuleNotPublicInTime    rules.rule_not_public_in_time
    NotInBatch             rules.not_in_batch
"""

from amparo_common.errors import AmparoError


class RulesError(AmparoError):
    """Base of this package's errors."""

    code = "rules.error"


class RuleNotReadable(RulesError):
    """A rule file or expression does not have the form of the language."""

    code = "rules.not_readable"
    why = "A published rule has to mean one thing only, so the language is small and strict."
    todo = "See docs/formats/rule-file.md, mend the line and try again."


class RuleRefused(RulesError):
    """A rule is well written but could go wrong: a type, a unit, a division by zero, an overflow, an unknown value."""

    code = "rules.refused"
    why = "A rule must give an answer for every household it may meet."
    todo = "Mend the expression as the message says."


class ForbiddenConcept(RulesError):
    """A field, fact or form asks for something Amparo never records."""

    code = "rules.forbidden_concept"
    why = (
        "Party, vote, union, religion, ethnicity, opinion, social media, medical history, biometrics and location"
        " trails are never recorded: aid must not depend on them."
    )
    todo = "Leave this column out."


class UnknownFact(RulesError):
    """A name is neither in the fact catalogue nor defined in the log before the rule, or is used as another type than it has."""

    code = "rules.unknown_fact"
    why = "Only facts of the published catalogue, or defined in the public log, can be recorded or tested."
    todo = (
        "Use a fact of the catalogue, or have a new one defined first: two people agree to it and it stands in the log."
    )


class DefinitionNotAllowed(RulesError):
    """An entry of the log defines a fact against the limits; it defines nothing."""

    code = "rules.definition_not_allowed"
    why = (
        "A fact has a new name, labels in five languages, a purpose, a range, an end, and two people who agreed to it."
    )
    todo = "Have the fact defined again under another name: the first entry of a name counts for good."


class FactOutOfRange(RulesError):
    """A value is missing, malformed or outside its catalogued range."""

    code = "rules.fact_out_of_range"
    why = "Ranges are enforced so that no rule can overflow or divide by zero."
    todo = "Correct the value, or leave it empty if it is not known."


class ExampleFails(RulesError):
    """An example household in the rule file does not get the answer that the file says."""

    code = "rules.example_fails"
    why = "The examples are part of the rule: people read them to know what it means."
    todo = "Correct the rule or the example."


class AmountTooFine(RulesError):
    """A rule could give amounts that are not whole units: cents would mark the household that gets them."""

    code = "rules.amount_too_fine"
    why = "An amount that only one household gets is as good as its name, at the mint and at every till."
    todo = "Write round(…, 0) around the amount, or whole numbers in it; nothing was published."


class ReceiptMalformed(RulesError):
    """A receipt cannot be read."""

    code = "rules.receipt_malformed"
    why = "It is not a receipt of this format, or was cut or changed."
    todo = "Ask for the receipt again; every decision has one."


class ReceiptSignatureFalse(RulesError):
    """A receipt was changed or was never issued."""

    code = "rules.receipt_signature_false"
    why = "The signature does not belong to this content and the programme's logged key."
    todo = "Ask for the receipt again and keep this one as evidence."


class DoesNotFollowRule(RulesError):
    """Recomputing the rule on the receipt's own facts gives another answer."""

    code = "rules.does_not_follow_rule"
    why = "The decision differs from the published rule."
    todo = "Complain: this receipt and the public rule prove it to anyone."


class RuleNotPublicInTime(RulesError):
    """The rule was not in the public log for its whole notice period before it was used."""

    code = "rules.rule_not_public_in_time"
    why = "A rule counts only after its notice period in the public log."
    todo = "Wait until the notice period has ended; a decision made before it can be contested."


class NotInBatch(RulesError):
    """The decision is not part of the batch whose totals were published."""

    code = "rules.not_in_batch"
    why = "Every decision is counted in a public batch; this one is not."
    todo = "Complain: this receipt and the public log prove it to anyone."
