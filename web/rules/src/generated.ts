// Made by tools/vectors_rules.py from packages/rules; change it there.
import type { FactType } from "./catalogue.ts";

export const CATALOGUE_TYPES: Readonly<Record<string, FactType>> = {
  "person birth_date": {
    "kind": "date",
    "min": -25567,
    "max": 47482,
    "scale": 0,
    "nullable": true
  },
  "person is_head": {
    "kind": "bool",
    "min": 0,
    "max": 1,
    "scale": 0,
    "nullable": false
  },
  "person disability": {
    "kind": "bool",
    "min": 0,
    "max": 1,
    "scale": 0,
    "nullable": true
  },
  "household monthly_income": {
    "kind": "decimal",
    "min": 0,
    "max": 100000000,
    "scale": 2,
    "nullable": true
  },
  "household rooms": {
    "kind": "int",
    "min": 0,
    "max": 50,
    "scale": 0,
    "nullable": true
  },
  "household floor_type": {
    "kind": "int",
    "min": 1,
    "max": 6,
    "scale": 0,
    "nullable": true
  }
};

export const STEMS: Readonly<Record<string, string>> = {
  "party membership": "party parties partido partidos partidista* parti partis partisan* militant* militancia* afiliacion* afiliado* affiliation* filiacao* filiado* politic* politiq* carnetpatria carnetdelapatria حزب* حزبي* احزاب* سياس*",
  "vote": "vote* voto votos votar votante* votacion* votacao* votou voter* voting elector* electeur* electoral* eleitor* eleicao* eleicoes eleccion* election* scrutin ballot* sufragio* suffrage* votacoes votant* vota صوت* اصوات* تصويت* ناخب* انتخاب*",
  "union membership": "union unions unionized unionised sindicat* sindical* syndicat* syndical* syndiqu* tradeunion* نقاب*",
  "religion": "religi* relig faith belief* credo creencia* croyance* crenca* iglesia* church* eglise* igreja* mosque* mosquee* muslim* christian* cristian* catolic* catholi* jew jewish judio* islam* sect secta* musulm* muculm* chretien* juif* juive* judeu* evangelic* buddh* hindu* دين ديني* دينيه* ديان* اديان* مسلم* مسيحي* مذهب* طايف* عقيد*",
  "ethnicity": "ethni* etni* race races racial* raza* raca* tribe* tribal* tribu* tribo* clan clans caste* casta* indigen* indigenous* skin* colorpiel colordepiel couleurdepeau cordapele عرق* اثنيه اثني قبيل* قبايل* عشير* عشاير*",
  "opinion": "opinion* opiniao* opinioes ideolog* protest* manifestacion* manifestacao* manifestation* اراء* loyal* lealtad* leal loyaute* lealdade* راي* ولاء*",
  "social media": "facebook* twitter* instagram* tiktok* telegram* socialmedia* redessociales* redsocial* reseauxsociaux* redessociais* تويتر* فيسبوك* تيليجرام*",
  "medical history": "medical* medica medicas medico* medicaux diagnos* disease* illness* enfermedad* maladie* doenca* hiv* vih* sida aids mental* psychiat* psiquiat* depression* chronic* cronic* chronique* bloodgroup* bloodtype* pregnan* embaraz* enceinte* gravida* gravidez* gestante* tuberculos* cancer* clinic* sanguine* sanguin* grossesse* مرض* امراض* تشخيص* طبي طبيه نفسي* حامل* حمل",
  "biometrics": "biometr* fingerprint* huella* huellas empreinte* digitais iris faceprint* facetemplate* facial* impressaodigital* selfie* dna adn بصمه* بصمات*",
  "location trail": "gps lat lon geopoint* geotrace* geoshape* geolocation* locationtrail* latitude* longitude* latitud* longitud* coordinate* coordenada* coordonnee* geolocat* geolocal* احداثيات*",
  "score": "score* scoring rating ranking rank riskscore* trustscore* socialcredit* puntaje* puntuacion* pontuacao* creditscore* reputation* reputacion* reputacao* تصنيف*"
};

export const FORBIDDEN_PHRASES: Readonly<Record<string, string>> = {
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
  "وسايل التواصل": "social media"
};

export const ALLOWED_PHRASES: readonly string[] = [
  "in union",
  "marital union",
  "photo credit",
  "third party",
  "union status"
];

export const HARMLESS_WORDS: readonly string[] = [
  "الوالدين",
  "والدين"
];

export const ARTICLES: readonly string[] = [
  "ال",
  "وال",
  "بال",
  "لل"
];
