"""The words on a voucher, in five languages. LIMIT: kept here until the shared gettext catalogue comes with the first screens."""

VOUCHER_WORDS: dict[str, dict[str, str]] = {
    "es": {
        "label": "Vale de ayuda",
        "until_label": "Válido hasta",
        "free": "Gratis. Nadie puede pedirle dinero ni su voto.",
    },
    "en": {
        "label": "Aid voucher",
        "until_label": "Valid until",
        "free": "Free. Nobody may ask for money or your vote.",
    },
    "fr": {
        "label": "Bon d'aide",
        "until_label": "Valable jusqu'au",
        "free": "Gratuit. Personne ne peut demander d'argent ni de vote.",
    },
    "ar": {"label": "قسيمة مساعدة", "until_label": "صالحة حتى", "free": "مجانية. لا يجوز لأحد أن يطلب مالاً أو صوتك."},
    "pt": {
        "label": "Vale de ajuda",
        "until_label": "Válido até",
        "free": "Grátis. Ninguém pode pedir dinheiro nem seu voto.",
    },
}
