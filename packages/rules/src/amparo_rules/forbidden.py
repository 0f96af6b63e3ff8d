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
    "party membership": """party parties partido partidos partidista* parti partis partisan* militant*
        militancia* afiliacion*
        afiliado* affiliation* filiacao* filiado* politic* politiq* carnetpatria carnetdelapatria
        حزب* حزبي* احزاب* سياس*""",
    "vote": """vote* voto votos votar votante* votacion* votacao* votou voter* voting elector* electeur*
        electoral* eleitor*
        eleicao* eleicoes eleccion* election* scrutin ballot* sufragio* suffrage* votacoes votant* vota
        صوت* اصوات* تصويت* ناخب* انتخاب*""",
    "union membership": """union unions unionized unionised sindicat* sindical* syndicat* syndical* syndiqu*
        tradeunion* نقاب*""",
    "religion": """religi* relig faith belief* credo creencia* croyance* crenca* iglesia* church* eglise*
        igreja* mosque*
        mosquee* muslim* christian* cristian* catolic* catholi* jew jewish judio*
        islam* sect secta* musulm* muculm* chretien* juif* juive* judeu* evangelic* buddh* hindu* دين ديني* دينيه* ديان* اديان*
        مسلم* مسيحي* مذهب* طائف* عقيد*""",
    "ethnicity": """ethni* etni* race races racial* raza* raca* tribe* tribal* tribu* tribo* clan clans caste*
        casta* indigen*
        indigenous* skin* colorpiel colordepiel couleurdepeau cordapele عرق* اثنيه اثني قبيل* قبائل* عشير* عشائر*""",
    "opinion": """opinion* opiniao* opinioes ideolog* protest* manifestacion* manifestacao* manifestation*
        اراء* loyal* lealtad* leal loyaute* lealdade* راي* ولاء*""",
    "social media": """facebook* twitter* instagram* tiktok* telegram* socialmedia* redessociales* redsocial*
        reseauxsociaux*
        redessociais* تويتر* فيسبوك* تيليجرام*""",
    "medical history": """medical* medica medicas medico* medicaux diagnos* disease* illness* enfermedad*
        maladie* doenca* hiv* vih* sida aids
        mental* psychiat* psiquiat* depression* chronic* cronic* chronique* bloodgroup* bloodtype* pregnan* embaraz* enceinte*
        gravida* gravidez* gestante* tuberculos* cancer* clinic* sanguine* sanguin* grossesse* مرض*
        امراض* تشخيص* طبي طبيه نفسي* حامل* حمل""",
    "biometrics": """biometr* fingerprint* huella* huellas empreinte* digitais iris faceprint* facetemplate*
        facial* impressaodigital* selfie* dna adn
        بصمه* بصمات*""",
    "location trail": """gps lat lon geopoint* geotrace* geoshape* geolocation* locationtrail* latitude*
        longitude* latitud* longitud* coordinate* coordenada*
        coordonnee* geolocat* geolocal* احداثيات*""",
    "score": """score* scoring rating ranking rank riskscore* trustscore* socialcredit* puntaje* puntuacion*
        pontuacao*
        creditscore* reputation* reputacion* reputacao* تصنيف*""",
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
    "reseau social": "social media",
    "rede social": "social media",
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
    visible = "".join(sign for sign in text if unicodedata.category(sign) != "Cf" and sign != "\u0640")
    spaced = re.sub(r"([a-z])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", visible)
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
# "parents" and "the parents", which would look like "and the religion" without this.
_HARMLESS_WORDS = frozenset({"والدين", "الوالدين"})
_FOLDED_PHRASES = {" ".join(fold(phrase)): concept for phrase, concept in _FORBIDDEN_PHRASES.items()}


def _variants(word: str) -> list[str]:
    return [word] + [word.removeprefix(article) for article in _ARABIC_ARTICLES if word.startswith(article)]


def _concept_of(word: str, *, longer_than: int = 0) -> str | None:
    """The concept whose stem matches `word`, looking only at stems of more than `longer_than` signs."""
    for variant in _variants(word):
        for stem, open_ended, concept in _STEMS:
            if len(stem) > longer_than and (variant == stem or (open_ended and variant.startswith(stem))):
                return concept
    return None


def forbidden_concept(name: str) -> str | None:
    """The forbidden concept that `name` speaks of, or None."""
    words = fold(name)
    phrases = [f"{first} {second}" for first, second in itertools.pairwise(words)]
    skipped = set(_HARMLESS_WORDS)
    for phrase in phrases:
        if phrase in _FOLDED_PHRASES:
            return _FOLDED_PHRASES[phrase]
        if phrase in _ALLOWED_PHRASES:
            skipped.update(phrase.split())
    for place, word in enumerate(words):
        if word in skipped:
            continue
        # Split names too: geo_point, color de piel. A stem counts only if it reaches beyond the first word.
        joined = "".join(words[place : place + 4])
        found = _concept_of(word) or _concept_of(joined, longer_than=len(word))
        if found is not None:
            return found
    return None


def refuse_forbidden(name: str, *, place: str) -> None:
    """Raises `ForbiddenConcept` when `name`, found at `place`, speaks of something Amparo never records."""
    concept = forbidden_concept(name)
    if concept is not None:
        raise ForbiddenConcept(f"{place} “{name}” speaks of {concept}.")
