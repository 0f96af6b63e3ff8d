"""What a column can become, and guessing it by the column's name: the catalogue's labels in five languages, and the names that
HOPE, Kobo, ODK and 121 use.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amparo_office.register.sealing import DOCUMENT_KINDS
from amparo_rules.catalogue import CATALOGUE, Entity, FactDefinition
from amparo_rules.forbidden import forbidden_concept

MOST_LEVELS = 4

# Target -> the words for it. Those of a household, then those of a person.
HOUSEHOLD_WORDS: dict[str, str | Promise] = {
    "ref": _("Household: reference in the list"),
    "area": _("Household: code of the area"),
    "area-1": _("Household: name of the area, level 1"),
    "area-2": _("Household: name of the area, level 2"),
    "area-3": _("Household: name of the area, level 3"),
    "area-4": _("Household: name of the area, level 4"),
    "language": _("Household: language"),
    "by-phone": _("Household: gets its aid on a phone"),
    "address": _("Household: address in words"),
}
PERSON_WORDS: dict[str, str | Promise] = {
    "household": _("Person: reference of the household"),
    "whole": _("Person: name, all in one"),
    "given": _("Person: given name"),
    "middle": _("Person: middle name"),
    "family": _("Person: family name"),
    "whole-2": _("Person: second name or other script, all in one"),
    "given-2": _("Person: given name in another script"),
    "family-2": _("Person: family name in another script"),
    "telephone": _("Person: telephone"),
    "person-language": _("Person: language"),
    "relationship": _("Person: relation to the head"),
    "birth": _("Person: date of birth"),
    "birth-year": _("Person: year of birth"),
    "birth-month": _("Person: month of birth"),
    "birth-day": _("Person: day of birth"),
    "age": _("Person: age in years"),
    "collector": _("Person: collects first"),
    "alternate": _("Person: collects if the first cannot"),
    "document:national-id": _("Person: number of the national identity card"),
    "document:passport": _("Person: number of the passport"),
    "document:birth-certificate": _("Person: number of the birth certificate"),
    "document:refugee-card": _("Person: number of the refugee card"),
    "document:driving-licence": _("Person: number of the driving licence"),
    "document:other": _("Person: number of another paper"),
}
# They tell the fact `birth_date`, and are taken only when it may be.
_BIRTH = frozenset({"birth", "birth-year", "birth-month", "birth-day", "age"})
CONCEPT_WORDS: dict[str, str | Promise] = {
    "party membership": _("party membership"),
    "vote": _("voting"),
    "union membership": _("union membership"),
    "religion": _("religion"),
    "ethnicity": _("ethnic origin"),
    "opinion": _("opinions"),
    "social media": _("social media"),
    "medical history": _("medical history"),
    "biometrics": _("marks of the body"),
    "location trail": _("where somebody is or was"),
    "score": _("scores and rankings of people"),
}

# Names in use for a target, folded (`fold`). A catalogue fact's labels and name are added.
_NAMES: dict[str, str] = {
    "ref": """householdid hhid hid referenceid uuid metainstanceid instanceid hogar idhogar hogarid householdref reference ref
        referencia householdreference key menageid idmenage referenciadelhogar""",
    "household": """householdid hhid hid hogar idhogar hogarid householdref parentindex parentkey submissionuuid submissionid
        reference ref referencia householdreference
        menageid
        idmenage""",
    "area": "pcode areacode adminpcode admin adm codigoarea codearea adm1pcode adm2pcode adm3pcode adm4pcode admin4pcode",
    "area-1": "admin1 adm1 adm1name estado state province provincia region departement departamento governorate محافظة geo1",
    "area-2": "geo2 admin2 adm2 adm2name municipio district distrito municipality canton commune قضاء geo2",
    "area-3": "admin3 adm3 adm3name parroquia subdistrict parish ناحية",
    "area-4": "admin4 adm4 adm4name barrio village aldea قرية",
    "language": "preferredlanguage language idioma lengua langue lingua اللغة",
    "by-phone": "byphone paymentbyphone telefonohogar hasphone cell cellphone",
    "address": "address direccion adresse endereco العنوان domicilio",
    "whole": "fullname name nombre nombrecompleto nomcomplet nomecompleto nom nome الاسم الاسمالكامل namewhole nombreyapellido",
    "given": "givenname firstname firstnames nombres givennames prenom prenoms primernombre الاسمالاول personalname forename",
    "middle": "middlename segundonombre deuxiemeprenom اسمالاب",
    "family": """familyname lastname surname apellido apellidos nomdefamille sobrenome apelido اسمالعائلة اللقب lastnames
        familynames""",
    "telephone": """phonenumber phone telephone telefono telefone phoneno mobile celular whatsappphonenumber numtelefono
        telefonomovil الهاتف رقمالهاتف phonenoalternative numerodetelefono""",
    "person-language": "personlanguage",
    "relationship": """relationship relation relationtohead relationshiptohead parentesco relacion liendeparente lien
        relationshiptothehead relacionconeljefe صلةالقرابة parente""",
    "birth": "birthdate dateofbirth dob fechanacimiento nacimiento datenaissance ddn datanascimento تاريخالميلاد",
    "birth-year": "birthyear yearofbirth anonacimiento anneenaissance anodenascimento سنةالميلاد",
    "birth-month": "birthmonth monthofbirth mesnacimiento moisnaissance شهرالميلاد",
    "birth-day": "birthday dayofbirth dianacimiento journaissance يومالميلاد",
    "age": "age edad idade العمر ageinyears edadenanos ageyears",
    "collector": "primarycollector primarycollectorid collector cobrador recolector",
    "alternate": "alternatecollector alternatecollectorid alternate suplente",
    "document:national-id": """nationalid nationalidno idnumber documentid cedula dni cin nationalidnumber numerocedula documento
        رقمالهوية""",
    "document:passport": "passport passportno nationalpassport pasaporte passeport passaporte جوازالسفر",
    "document:birth-certificate": "birthcertificate birthcertificateno actadenacimiento partidadenacimiento actedenaissance",
    "document:refugee-card": "refugeecard refugeeid unhcrid proofofregistration",
    "document:driving-licence": "driverslicense driverslicenseno drivinglicence licenciadeconducir permisdeconduire",
    "document:other": "otherdocument otherid otheridno",
}
_FACT_NAMES: dict[tuple[Entity, str], str] = {
    ("person", "is_head"): "ishead headhousehold jefatura jefedehogar headofhousehold chefdemenage",
    ("person", "disability"): "disability discapacidad handicap deficiencia disabled",
    (
        "household",
        "monthly_income",
    ): "monthlyincome income ingreso ingresomensual revenu revenumensuel renda rendamensal totexp",
    ("household", "rooms"): "rooms cuartos habitaciones pieces comodos numberofrooms",
    ("household", "floor_type"): "floortype floor piso tipodepiso sol typedesol",
}
_SUFFIX = re.compile(r"_[hi]_[cf]$")
_ARABIC = str.maketrans("أإآىة", "اااي" + "ه")


class Target(msgspec.Struct, frozen=True):
    """One thing that a column can become."""

    code: str
    words: str
    person: bool


def fact_code(entity: Entity, name: str) -> str:
    """The target of a fact."""
    return f"fact:{entity}:{name}"


def fact_of(code: str) -> tuple[Entity, str] | None:
    """The fact that a target is, if it is one. Whether there is such a fact is for the caller to say."""
    parts = code.split(":")
    if len(parts) != 3 or parts[0] != "fact":
        return None
    return ("person" if parts[1] == "person" else "household", parts[2])


def told_fact(code: str) -> tuple[Entity, str] | None:
    """The fact that a target is or tells a part of, if any."""
    return ("person", "birth_date") if code in _BIRTH else fact_of(code)


def is_person(code: str) -> bool:
    """Whether a target belongs to a person rather than to a household."""
    return code in PERSON_WORDS or code.startswith("fact:person:")


Needed = frozenset[tuple[Entity, str]]
Definitions = Mapping[tuple[Entity, str], FactDefinition]


def person_words(needed: Needed) -> dict[str, str | Promise]:
    """What a person's column can become beside facts: the date of birth only where a published programme needs it."""
    born = ("person", "birth_date") in needed
    return {code: words for code, words in PERSON_WORDS.items() if born or code not in _BIRTH}


def targets(needed: Needed, definitions: Definitions, language: str) -> list[Target]:
    """Everything a column can become: what identifies, and the facts that published programmes need. A person's date of birth is
    no fact of its own here: it has columns for its parts."""
    facts = {
        fact_code(entity, name): (entity, definitions[entity, name].label)
        for entity, name in sorted(needed)
        if (entity, name) in definitions and (entity, name) != ("person", "birth_date")
    }
    household = [Target(code, str(words), person=False) for code, words in HOUSEHOLD_WORDS.items()]
    person = [Target(code, str(words), person=True) for code, words in person_words(needed).items()]
    for code, (entity, label) in facts.items():
        said = label.get(language, label["en"])
        if entity == "household":
            household.append(Target(code, gettext("Household: %(fact)s") % {"fact": said}, person=False))
        else:
            person.append(Target(code, gettext("Person: %(fact)s") % {"fact": said}, person=True))
    return household + person


def fold(name: str) -> str:
    """A column's name as it is compared: the last part of its group path, without HOPE's suffix, accents, case and signs."""
    last = name.rstrip("/").rpartition("/")[2].strip()
    last = _SUFFIX.sub("", last)
    plain = unicodedata.normalize("NFKD", last.casefold())
    return "".join(sign for sign in plain if sign.isalnum()).translate(_ARABIC)


def _known(definitions: Definitions) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, names in _NAMES.items():
        for name in names.split():
            found.setdefault(fold(name), []).append(code)
    for key, definition in definitions.items():
        # The date of birth is read by its own target.
        code = "birth" if key == ("person", "birth_date") else fact_code(*key)
        for name in {definition.name, *definition.label.values(), *_FACT_NAMES.get(key, "").split()}:
            found.setdefault(fold(name), []).append(code)
    for code in (*HOUSEHOLD_WORDS, *PERSON_WORDS, *(fact_code(*key) for key in definitions)):
        # The names that our own templates and forms give their columns.
        found.setdefault(fold(own_name(code)), []).append(code)
    return found


def own_name(code: str) -> str:
    """The name of a target's column in our own templates and forms. A fact that the log defines may be called like a column that is
    there anyway."""
    known = fact_of(code)
    if known is None:
        return _plain(code)
    return f"fact_{known[1]}" if known[1] in _OWN_NAMES else known[1]


def _plain(code: str) -> str:
    return code.replace("document:", "").replace("-", "_")


_OWN_NAMES = frozenset(_plain(code) for code in (*HOUSEHOLD_WORDS, *PERSON_WORDS))


def guess(
    columns: Iterable[str], *, person: bool | None, allowed: set[str], definitions: Definitions = CATALOGUE
) -> dict[str, str]:
    """Column -> target, by name; each target once. `person`: only a person's targets, only a household's, or (None) both.
    Columns that speak of a forbidden concept are never guessed."""
    known, found = _known(definitions), dict[str, str]()
    for column in columns:
        if forbidden_concept(column) is not None:
            continue
        for code in known.get(fold(column), []):
            if code in allowed and code not in found.values() and person in (None, is_person(code)):
                found[column] = code
                break
    # Beside a family name, what is called only "name" is the given one.
    if "family" in found.values() and "given" not in found.values() and "given" in allowed:
        found = {column: "given" if code == "whole" else code for column, code in found.items()}
    return found


def document_kind(code: str) -> str | None:
    """The kind of paper whose number a target is."""
    kind = code.removeprefix("document:")
    return kind if code.startswith("document:") and kind in DOCUMENT_KINDS else None
