"""Names that must never become a field, in five languages and many spellings, and harmless names that stay usable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo_rules.catalogue import CATALOGUE, fact
from amparo_rules.errors import ForbiddenConcept, UnknownFact
from amparo_rules.forbidden import CONCEPTS, forbidden_concept, refuse_forbidden
from amparo_rules.rule import read_rule
from amparo_rules.starter import NAMES, starter

# Plain names as people write them into forms and tables: en, es, fr, pt, ar.
FORBIDDEN: dict[str, list[str]] = {
    "party membership": [
        *("party", "party_member", "partyMembership", "political_affiliation", "militant"),
        *("partido", "partido_politico", "afiliación política", "militante", "carnet_de_la_patria", "carnet patria"),
        *("parti_politique", "militantisme", "appartenance_politique"),
        *("filiação_partidária", "filiado_a_partido", "partidos"),
        *("حزب", "الحزب", "الانتماء_الحزبي", "حِزْب", "حـزب", "أحزاب", "الأحزاب", "سياسي"),
    ],
    "vote": [
        *("vote", "voted_2024", "voter_id", "voting_place", "election", "ballot", "electoral_district"),
        *("voto", "votó", "votación", "centro_de_votacion", "elecciones", "sufragio", "padron_electoral", "vota_por"),
        *("vote_2024", "électeur", "élections", "bureau_de_vote", "scrutin", "suffrage", "votant"),
        *("voto", "votação", "eleitor", "título_eleitoral", "eleição", "eleições", "votações"),
        *("تصويت", "الصوت_الانتخابي", "ناخب", "انتخابات", "أصوات"),
    ],
    "union membership": [
        *("union", "trade_union", "labor_union", "unionMember", "unionized"),
        *("sindicato", "afiliacion_sindical", "sindicalizado"),
        *("syndicat", "membre_syndical", "syndiqué"),
        *("sindicato", "sindicalizado", "sindical"),
        *("نقابة", "النقابة", "عضو_نقابة"),
    ],
    "religion": [
        *(
            "religion",
            "religious_group",
            "faith",
            "church",
            "mosque",
            "muslim",
            "christian",
            "jewish",
            "buddhist",
            "hindu",
        ),
        *("religión", "religion_del_hogar", "creencias", "iglesia", "católico", "musulmán", "evangélico", "judío"),
        *("religion", "croyance", "église", "mosquée", "confession_religieuse", "musulman", "chrétien", "juif"),
        *("religião", "crença", "igreja", "católica", "muçulmano", "evangélico", "judeu"),
        *("دين", "الدين", "الديانة", "أديان", "مذهب", "طائفة", "عقيدة", "مسلم", "مسيحي"),
    ],
    "ethnicity": [
        *("ethnicity", "ethnic_group", "race", "tribe", "tribal_group", "clan", "caste", "indigenous", "skin_color"),
        *("etnia", "grupo_étnico", "raza", "tribu", "indígena", "pueblo_indigena", "color_de_piel", "colorPiel"),
        *("ethnie", "origine_ethnique", "race", "tribu", "couleur_de_peau"),
        *("etnia", "grupo_étnico", "raça", "raça_cor", "tribo", "cor_da_pele", "indígena"),
        *("عرق", "العرق", "إثنية", "قبيلة", "القبيلة", "عشيرة", "قبائل", "عشائر"),
    ],
    "opinion": [
        *("opinion", "political_opinion", "ideology", "protest_attended", "loyalty"),
        *("opinión", "ideología", "lealtad", "leal", "protestas", "manifestaciones"),
        *("opinion", "idéologie", "loyauté", "manifestation"),
        *("opinião", "opiniões", "ideologia", "lealdade", "manifestação"),
        *("رأي", "الرأي", "آراء", "ولاء"),
    ],
    "social media": [
        *(
            "facebook",
            "twitter_handle",
            "instagram",
            "tiktok",
            "telegram",
            "social_media",
            "socialMedia",
            "social network",
        ),
        *("redes_sociales", "red_social", "perfil_de_facebook"),
        *("réseaux_sociaux", "réseau_social", "compte_facebook"),
        *("redes_sociais", "rede_social", "conta_instagram"),
        *("وسائل_التواصل", "وسائل التواصل الاجتماعي", "فيسبوك", "تويتر"),
    ],
    "medical history": [
        *(
            "medical_history",
            "diagnosis",
            "disease",
            "chronic_illness",
            "hiv_status",
            "hivStatus",
            "HIVStatus",
            "pregnant",
        ),
        *("blood_group", "bloodType", "mental_health", "cancer", "tuberculosis"),
        *("historia_médica", "historia_clinica", "enfermedades", "diagnóstico", "VIH", "embarazada", "grupo_sanguineo"),
        *("antécédents_médicaux", "maladie", "malade_chronique", "vih", "enceinte", "grossesse", "groupe_sanguin"),
        *("histórico_médico", "doença", "diagnóstico", "grávida", "gestante", "tipo_sanguineo"),
        *("مرض", "أمراض مزمنة", "تشخيص", "السجل_الطبي", "نفسية", "حامل", "حمل"),
    ],
    "biometrics": [
        *("biometric_id", "fingerprint", "finger_print", "iris_scan", "face_template", "selfie", "dna", "DNASample"),
        *("huella", "huella_dactilar", "biometría", "adn", "reconocimiento_facial"),
        *("empreinte_digitale", "biométrie", "reconnaissance_faciale"),
        *("impressão_digital", "biometria", "digitais", "reconhecimento_facial"),
        *("بصمة", "البصمة", "بصمات", "بصمة_العين"),
    ],
    "location trail": [
        *("gps", "gps_point", "gpsPoint", "GPSLocation", "latitude", "longitude", "lat", "lon", "coordinates"),
        *("geopoint", "geo_point", "geotrace", "geolocation", "geo_location", "geoLocation", "location_trail"),
        *("coordenadas", "latitud", "geolocalización", "géolocalisation", "coordonnées_gps", "geolocalização"),
        *("إحداثيات", "الإحداثيات"),
    ],
    "score": [
        *("score", "risk_score", "trustScore", "social_credit", "credit_score", "ranking", "reputation"),
        *("puntaje", "puntuación", "reputación", "score_de_risque", "réputation", "pontuação", "reputação", "تصنيف"),
    ],
}

HARMLESS = [
    *(
        "given_name",
        "family_name",
        "relation",
        "relationship_to_head",
        "third_party_payer",
        "household_size",
        "maritalStatus",
    ),
    *(
        "voluntary",
        "phone",
        "address",
        "sex",
        "gender",
        "age",
        "birth_date",
        "date_of_birth",
        "national_id",
        "document_number",
    ),
    *("email", "bank_account", "iban", "postal_code", "district", "municipality", "country", "rooms", "roof_material"),
    *(
        "monthly_income",
        "income",
        "expenses",
        "rent",
        "debt",
        "electricity",
        "water_source",
        "school_attendance",
        "grade",
    ),
    *(
        "disability",
        "disabled_members",
        "children_under_5",
        "head_of_household",
        "is_head",
        "spouse",
        "orphan",
        "widow",
    ),
    *(
        "displaced",
        "arrival_date",
        "consent",
        "language",
        "literacy",
        "occupation",
        "employer",
        "participants",
        "section",
    ),
    *(
        "sector",
        "partial",
        "apartment",
        "department",
        "participation",
        "partition",
        "selection",
        "devotion",
        "pivot",
        "trace",
    ),
    *(
        "brace",
        "embrace",
        "grace",
        "terrace",
        "traced_to",
        "reunion",
        "communion",
        "environment",
        "fundamental",
        "immediate",
    ),
    *(
        "territory",
        "distribution",
        "attribute",
        "contribution",
        "frank",
        "crank",
        "operating",
        "generating",
        "underscore_name",
    ),
    *(
        "bank_transfer",
        "branch",
        "skill",
        "clean_water",
        "telephone",
        "irish",
        "loan",
        "coordinator",
        "coordination",
        "photo",
    ),
    *(
        "union_status",
        "marital_union",
        "photo_credit",
        "third_party",
        "in_union",
        "cash_for_work",
        "food_basket",
        "aid_received",
    ),
    *("nombre", "apellido", "parentesco", "tamaño_del_hogar", "estado_civil", "teléfono", "dirección", "sexo", "edad"),
    *(
        "cedula",
        "fecha_de_nacimiento",
        "jefatura_de_hogar",
        "ingreso_mensual",
        "cuartos",
        "material_del_piso",
        "discapacidad",
    ),
    *(
        "selección",
        "sección",
        "participación",
        "departamento",
        "unidad",
        "comunidad",
        "reunión",
        "carrera",
        "terraza",
        "cargo",
    ),
    *(
        "número_de_cédula",
        "municipio",
        "parroquia",
        "codigo_postal",
        "cuenta_bancaria",
        "voluntario",
        "carnet_de_identidad",
    ),
    *("prénom", "nom", "lien_de_parenté", "taille_du_ménage", "situation_matrimoniale", "téléphone", "adresse", "sexe"),
    *(
        "date_de_naissance",
        "revenu_mensuel",
        "pièces",
        "handicap",
        "partie",
        "participant",
        "département",
        "volontaire",
    ),
    *("nome", "sobrenome", "parentesco", "tamanho_da_família", "estado_civil", "telefone", "endereço", "sexo", "idade"),
    *(
        "data_de_nascimento",
        "renda_mensal",
        "cômodos",
        "deficiência",
        "bairro",
        "voluntário",
        "participação",
        "seleção",
    ),
    *("الاسم", "اسم_العائلة", "صلة_القرابة", "حجم_الأسرة", "الحالة_الاجتماعية", "الهاتف", "العنوان", "الجنس", "العمر"),
    *("تاريخ_الميلاد", "رب_الأسرة", "الدخل_الشهري", "غرف_المسكن", "إعاقة", "مادة_الأرضية", "رقم_الهوية", "المدينة"),
    *(
        "المبلغ_بالدينار",
        "دينار",
        "طبيعة_العمل",
        "طبيعة_السكن",
        "يوم_الاثنين",
        "اسم_والدين",
        "أسماء_الوالدين",
    ),
]


@pytest.mark.parametrize(
    ("concept", "name"), [(concept, name) for concept, names in FORBIDDEN.items() for name in dict.fromkeys(names)]
)
def test_a_forbidden_concept_is_refused_by_its_plain_name(concept: str, name: str) -> None:
    assert forbidden_concept(name) is not None, f"{name} ({concept}) passes"
    with pytest.raises(ForbiddenConcept):
        refuse_forbidden(name, place="column")


@pytest.mark.parametrize("name", list(dict.fromkeys(HARMLESS)))
def test_a_harmless_name_stays_usable(name: str) -> None:
    assert forbidden_concept(name) is None
    refuse_forbidden(name, place="column")


@pytest.mark.parametrize(("entity", "name"), CATALOGUE)
def test_every_catalogued_fact_and_its_words_are_harmless(entity: str, name: str) -> None:
    refuse_forbidden(name, place=entity)
    found = fact("person" if entity == "person" else "household", name)
    assert set(found.label) == {"en", "es", "fr", "ar", "pt"}
    for sentence in [*found.label.values(), found.purpose]:
        refuse_forbidden(sentence, place="label")


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_starter_rule_is_harmless(name: str) -> None:
    text = read_rule(starter(name)).text
    for each in [*text.facts, *text.let, *text.parameters, *(clause.id for clause in text.require)]:
        refuse_forbidden(each, place="step")


def test_every_concept_is_tried_here() -> None:
    assert set(FORBIDDEN) == set(CONCEPTS)


@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_stem_of_the_list_is_itself_refused(concept: str) -> None:
    for stem in CONCEPTS[concept].split():
        assert forbidden_concept(stem.rstrip("*")) is not None, stem


SEPARATORS = st.sampled_from(["_", "-", " ", ".", "/", "2", "__", ":", "[", "\u00a0"])
SAFE_WORDS = st.sampled_from(["head", "casa", "nom", "data", "item", "q1", "بيت", "hogar"])


@given(
    st.sampled_from(["religion", "partido", "vote", "حزب", "ethnie", "doença", "gps", "score"]),
    st.lists(st.tuples(SAFE_WORDS, SEPARATORS), max_size=3),
    st.lists(st.tuples(SEPARATORS, SAFE_WORDS), max_size=3),
    st.sampled_from([str, str.upper, str.title]),
)
def test_a_forbidden_word_is_found_anywhere_in_a_name(
    word: str, before: list[tuple[str, str]], after: list[tuple[str, str]], case: type[str]
) -> None:
    name = "".join(a + b for a, b in before) + case(word) + "".join(a + b for a, b in after)
    assert forbidden_concept(name) is not None


@pytest.mark.parametrize(
    "name",
    [
        "ｒｅｌｉｇｉｏｎ",
        "RELIGIO\u0301N",
        "reli\u200bgion",
        "reli\u00adgion",
        "re\u2060ligion",
        "حـزب",
        "حِزْب",
        "ﺣﺰﺏ",
        "HIVstatus",
        "idPartido",
        "IDPartido",
        "partyID",
        "PartyMember",
        "party2024",
        "opiniãoPolítica",
    ],
    ids=ascii,
)
def test_another_way_of_writing_a_forbidden_word_does_not_hide_it(name: str) -> None:
    assert forbidden_concept(name) is not None


def test_a_forbidden_name_is_said_with_its_place_and_its_concept() -> None:
    with pytest.raises(ForbiddenConcept) as caught:
        refuse_forbidden("partido", place="column")
    assert caught.value.code == "rules.forbidden_concept"
    assert "column" in caught.value.what
    assert "partido" in caught.value.what
    assert "party membership" in caught.value.what


def test_a_forbidden_fact_is_refused_as_forbidden_and_an_unknown_one_as_unknown() -> None:
    with pytest.raises(ForbiddenConcept):
        fact("person", "religion")
    with pytest.raises(UnknownFact):
        fact("person", "shoe_size")
    with pytest.raises(UnknownFact):
        fact("household", "birth_date")


@given(st.text(max_size=40))
def test_no_name_makes_the_check_fail_otherwise(name: str) -> None:
    assert forbidden_concept(name) in {None, *CONCEPTS}
