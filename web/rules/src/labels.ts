// Made by tools/vectors_rules.py from packages/rules; change it there.
// What the facts of the catalogue are called, by entity and name, and language.

export const LABELS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "person birth_date": {
    "en": "date of birth",
    "es": "fecha de nacimiento",
    "fr": "date de naissance",
    "ar": "تاريخ الميلاد",
    "pt": "data de nascimento"
  },
  "person is_head": {
    "en": "is the head of the household",
    "es": "es jefa o jefe de hogar",
    "fr": "est chef de ménage",
    "ar": "رب الأسرة",
    "pt": "é chefe da família"
  },
  "person disability": {
    "en": "has a disability (declared)",
    "es": "tiene una discapacidad (declarada)",
    "fr": "a un handicap (déclaré)",
    "ar": "لديه إعاقة (مصرح بها)",
    "pt": "tem uma deficiência (declarada)"
  },
  "household monthly_income": {
    "en": "income or consumption of the household in a month",
    "es": "ingreso o consumo del hogar en un mes",
    "fr": "revenu ou consommation du ménage par mois",
    "ar": "دخل الأسرة أو استهلاكها في الشهر",
    "pt": "renda ou consumo da família por mês"
  },
  "household rooms": {
    "en": "rooms of the dwelling",
    "es": "cuartos de la vivienda",
    "fr": "pièces du logement",
    "ar": "غرف المسكن",
    "pt": "cômodos da moradia"
  },
  "household floor_type": {
    "en": "main material of the floor (1 earth … 6 other)",
    "es": "material principal del piso (1 tierra … 6 otro)",
    "fr": "matériau principal du sol (1 terre … 6 autre)",
    "ar": "مادة الأرضية الرئيسية",
    "pt": "material principal do piso (1 terra … 6 outro)"
  }
};
