"""The words on a card, in five languages. LIMIT: kept here until the shared gettext catalogue comes with the first screens."""

CARD_WORDS: dict[str, dict[str, str]] = {
    "es": {
        "number_label": "Tarjeta",
        "until_label": "Válida hasta",
        "card_label": "Tarjeta de identidad",
        "open_label": "No hace falta para comprar.",
        "warning": "Muestre este lado solo en la oficina de registro, la clínica o el banco. Nadie puede escanearlo en una"
        " reunión ni en un centro de votación.",
        "free": "Es gratis. Nadie puede pedirle dinero ni su voto por ella.",
        "lost": "¿La perdió? Vaya a cualquier oficina. Se la cambian y usted no pierde su ayuda.",
    },
    "en": {
        "number_label": "Card",
        "until_label": "Valid until",
        "card_label": "Identity card",
        "open_label": "Not needed for shopping.",
        "warning": "Show this side only at the registration office, the clinic or the bank. Nobody may scan it at a meeting or"
        " a polling place.",
        "free": "Free. Nobody may ask you for money or your vote for it.",
        "lost": "Lost it? Go to any office. They replace it and you keep your aid.",
    },
    "fr": {
        "number_label": "Carte",
        "until_label": "Valable jusqu'au",
        "card_label": "Carte d'identité",
        "open_label": "Inutile pour acheter.",
        "warning": "Montrez ce côté seulement au bureau d'enregistrement, à la clinique ou à la banque. Personne ne peut le"
        " scanner à une réunion ni dans un bureau de vote.",
        "free": "Gratuit. Personne ne peut vous demander de l'argent ni votre vote.",
        "lost": "Perdue ? Allez à n'importe quel bureau. On la remplace et vous gardez votre aide.",
    },
    "ar": {
        "number_label": "البطاقة",
        "until_label": "صالحة حتى",
        "card_label": "بطاقة هوية",
        "open_label": "لا حاجة إليها للشراء.",
        "warning": "أظهر هذا الوجه فقط في مكتب التسجيل أو العيادة أو المصرف. لا يجوز لأحد مسحه في اجتماع أو في مركز اقتراع.",
        "free": "مجانية. لا يجوز لأحد أن يطلب منك مالاً أو صوتك مقابلها.",
        "lost": "هل فقدتها؟ اذهب إلى أي مكتب. تُستبدل ولا تفقد مساعدتك.",
    },
    "pt": {
        "number_label": "Cartão",
        "until_label": "Válido até",
        "card_label": "Cartão de identidade",
        "open_label": "Não é preciso para comprar.",
        "warning": "Mostre este lado só no posto de registro, na clínica ou no banco. Ninguém pode escaneá-lo em uma reunião"
        " nem em um local de votação.",
        "free": "Grátis. Ninguém pode pedir dinheiro nem seu voto por ele.",
        "lost": "Perdeu? Vá a qualquer posto. Eles trocam e você não perde sua ajuda.",
    },
}
