"""Concepts that no field, fact, rule or form may hold, recognised by name in Spanish, English, French, Arabic and
Portuguese (requirement R2).

A name is folded (case, accents, Arabic letter forms), split into words at signs, digits and camelCase, and each word is
compared with stems. A match is a refusal with the concept's name. LIMIT: a list of names cannot catch a concept hidden
under an innocent one ("group_b"); the catalogue and review before publication are the other two belts.
"""

import itertools
import re
import unicodedata

from amparo_rules.errors import ForbiddenConcept

# Stems end in "*" when any ending counts; others must be the whole word.
CONCEPTS: dict[str, str] = {
    "party membership": """party parties partido partidos partidista* parti partis partisan* militant* militancia* afiliacion*
        afiliado* affiliation* filiacao* filiado* politic* politiq* carnet* حزب* حزبي* سياس*""",
    "vote": """vote* voto votos votar votante* votacion* votacao* votou voter* voting elector* electeur* electoral* eleitor*
        eleicao* eleccion* election* scrutin ballot* sufragio* صوت* تصويت* ناخب* انتخاب*""",
    "union membership": "union unions sindicat* sindical* syndicat* syndical* tradeunion* نقاب*",
    "religion": """religi* relig faith belief* credo creencia* croyance* crenca* iglesia* church* eglise* igreja* mosque*
        mosquee* muslim* christian* cristian* catolic* catholi* jew jewish judio*
        islam* sect secta* دين* ديان* مذهب* طائف* عقيد*""",
    "ethnicity": """ethni* etni* race races racial* raza* raca* tribe* tribal* tribu* tribo* clan clans caste* casta* indigen*
        indigenous* skin* colorpiel عرق* اثني* قبيل* عشير*""",
    "opinion": "opinion* opiniao* opinioes ideolog* protest* manifestacion* loyal* lealtad* leal loyaute* lealdade* راي* ولاء*",
    "social media": """facebook* twitter* instagram* tiktok* telegram* socialmedia* redessociales* redsocial* reseauxsociaux*
        redessociais* تويتر* فيسبوك* تيليجرام*""",
    "medical history": """medical* medic* medico* diagnos* disease* illness* enfermedad* maladie* doenca* hiv vih sida aids
        mental* psychiat* psiquiat* depression* chronic* cronic* chronique* bloodgroup* bloodtype* pregnan* embaraz* enceinte*
        gravida* gravidez* gestante* tuberculos* cancer* مرض* امراض* تشخيص* طبي* نفسي* حامل*""",
    "biometrics": """biometr* fingerprint* huella* huellas empreinte* digitais iris faceprint* facetemplate* selfie* dna adn
        بصمه* بصمات*""",
    "location trail": """gps geopoint* geotrace* geoshape* latitude* longitude* latitud* longitud* coordinate* coordenada*
        coordonnee* geolocat* geolocal* احداثيات*""",
    "score": """score* scoring rating ranking rank riskscore* trustscore* socialcredit* puntaje* puntuacion* pontuacao*
        creditscore* reputation* reputacion* تصنيف*""",
}

# Two-word names that are harmless although one word is not, and the other way round.
_ALLOWED_PHRASES = frozenset({"third party", "union status", "marital union", "in union", "photo credit"})
_FORBIDDEN_PHRASES: dict[str, str] = {
    "social media": "social media",
    "social network": "social media",
    "redes sociales": "social media",
    "red social": "social media",
    "redes sociais": "social media",
    "reseaux sociaux": "social media",
    "trade union": "union membership",
    "blood group": "medical history",
    "blood type": "medical history",
    "risk score": "score",
    "social credit": "score",
    "carnet patria": "party membership",
    "وسائل التواصل": "social media",
}


def fold(text: str) -> list[str]:
    """The words of a name: camelCase and signs split, accents and Arabic marks dropped, lower case."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", spaced) if not unicodedata.combining(sign))
    plain = plain.casefold().translate(str.maketrans("أإآىة", "اااي" + "ه"))
    return [word for word in re.split(r"[\W\d_]+", plain) if word]


def _stems() -> list[tuple[str, bool, str]]:
    found = []
    for concept, names in CONCEPTS.items():
        for name in names.split():
            (folded,) = fold(name.rstrip("*"))
            found.append((folded, name.endswith("*"), concept))
    return found


_STEMS = _stems()
_ARABIC_ARTICLES = ("ال", "وال", "بال", "لل")


def _variants(word: str) -> list[str]:
    return [word] + [word.removeprefix(article) for article in _ARABIC_ARTICLES if word.startswith(article)]


def forbidden_concept(name: str) -> str | None:
    """The forbidden concept that `name` speaks of, or None."""
    words = fold(name)
    phrases = [f"{first} {second}" for first, second in itertools.pairwise(words)]
    for phrase in phrases:
        if phrase in _FORBIDDEN_PHRASES:
            return _FORBIDDEN_PHRASES[phrase]
    skipped = {word for phrase in phrases if phrase in _ALLOWED_PHRASES for word in phrase.split()}
    for word in words:
        if word in skipped:
            continue
        for variant in _variants(word):
            for stem, open_ended, concept in _STEMS:
                if variant == stem or (open_ended and variant.startswith(stem)):
                    return concept
    return None


def refuse_forbidden(name: str, *, place: str) -> None:
    """Raises `ForbiddenConcept` when `name`, found at `place`, speaks of something Amparo never records."""
    concept = forbidden_concept(name)
    if concept is not None:
        raise ForbiddenConcept(f"{place} “{name}” speaks of {concept}.")
