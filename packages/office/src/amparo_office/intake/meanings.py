"""What words in a column most likely mean: relations to the head, yes and no. For the mapping page's first proposal, and for files
that use the codes themselves.
"""

from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import override

from amparo_office.errors import ValueFault
from amparo_office.intake.targets import fold
from amparo_office.intake.values import NO, YES
from amparo_office.register.models import Relationship
from amparo_staff.layout.words import LANGUAGES

_RELATIONS: dict[Relationship, str] = {
    Relationship.HEAD: """head headofhousehold householdhead jefe jefa jefedehogar jefadehogar jefeojefa chef chefdemenage chefe
        chefedefamilia self ربالاسرة رئيسالاسرة respondent responsable""",
    Relationship.WIFE_HUSBAND: """wifehusband wife husband spouse spousepartner partner esposa esposo conyuge pareja conjoint
        epoux epouse mari femme conjuge marido companheiro companheira زوج زوجة wifeorhusband""",
    Relationship.SON_DAUGHTER: """sondaughter son daughter child hijo hija hijoohija fils fille enfant filho filha ابن ابنة بنت
        sonordaughter""",
    Relationship.MOTHER_FATHER: "motherfather mother father parent madre padre mere pere mae pai ام اب والد والدة",
    Relationship.BROTHER_SISTER: "brothersister brother sister sibling hermano hermana frere soeur irmao irma اخ اخت",
    Relationship.GRANDSON_GRANDDAUGHTER: """grandsongranddaughter grandson granddaughter grandchild nieto nieta petitfils
        petitefille neto neta حفيد حفيدة""",
    Relationship.GRANDMOTHER_GRANDFATHER: """grandmothergrandfather grandmother grandfather grandparent abuelo abuela grandmere
        grandpere avo جد جدة""",
    Relationship.NON_BENEFICIARY: "nonbeneficiary nonmember",
    Relationship.OTHER: """other otherrelative nonrelative otro otra otropariente nopariente autre autreparent outro outra
        outroparente اخر اخرى قريب nephewniece unclea auntuncle cousin inlaw fosterchild servant free union""",
    Relationship.UNKNOWN: "unknown desconocido inconnu desconhecido dontknow nosabe غيرمعروف",
}
_BY_WORD = {fold(word): relation for relation, words in _RELATIONS.items() for word in words.split()}
_BY_WORD |= {fold(relation.value): relation for relation in Relationship}


def relationship(text: str) -> Relationship:
    """The relation that a code or a word says. Raises `ValueFault`."""
    found = _BY_WORD.get(fold(text)) or _said().get(fold(text))
    if found is None:
        raise ValueFault("not-in-map")
    return found


@lru_cache(maxsize=1)
def _said() -> dict[str, Relationship]:
    """The relations as our own pages and templates say them, in every language."""
    found: dict[str, Relationship] = {}
    for language in LANGUAGES:
        with override(language):
            found |= {fold(words): each for each, words in relation_words().items()}
    return found


def relation_words() -> dict[Relationship, str]:
    """The relations to the head, in the language of the moment."""
    return {
        Relationship.HEAD: _("Head of the household"),
        Relationship.WIFE_HUSBAND: _("Wife or husband"),
        Relationship.SON_DAUGHTER: _("Son or daughter"),
        Relationship.MOTHER_FATHER: _("Mother or father"),
        Relationship.BROTHER_SISTER: _("Brother or sister"),
        Relationship.GRANDSON_GRANDDAUGHTER: _("Grandson or granddaughter"),
        Relationship.GRANDMOTHER_GRANDFATHER: _("Grandmother or grandfather"),
        Relationship.OTHER: _("Somebody else"),
        Relationship.NON_BENEFICIARY: _("Not a member, only collects"),
        Relationship.UNKNOWN: _("Not known"),
    }


def propose_relationship(word: str) -> str:
    """The code that a word of a file most likely means, "" when that is not known."""
    found = _BY_WORD.get(fold(word))
    return "" if found is None else found.value


def propose_yes_no(word: str) -> str:
    """“yes”, “no”, or "" for a word of a file, also for phrases as “Has disability” and “No disability”."""
    folded = word.casefold().strip()
    if folded in YES:
        return "yes"
    if folded in NO:
        return "no"
    first = folded.split(" ", 1)[0].strip(",.;")
    if first in NO or first in ("sin", "sans", "sem", "without", "بدون"):
        return "no"
    return "yes" if first in ("has", "have", "yes", "tiene", "sí", "si", "oui", "sim", "tem", "a") else ""
