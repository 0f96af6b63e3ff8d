"""The words of a name and how they sound: Spanish rules, Arabic letters, and the general rules of metaphone. Pure.

Sources: the Spanish rules are ours (letters that sound alike in Latin America: b/v, c/s/z, ll/y, g/j/x, qu/k/c, mute h); the
Arabic normalisation follows what search engines do (alef forms, ta marbuta, alef maqsura, hamza, marks, tatweel, the article).
"""

import functools
import re
import unicodedata

import jellyfish

# Joined to the word that follows them, in both scripts: عبد الله is one name, as Abdullah is.
_SERVANT = frozenset({"abd", "abdul", "abdel", "abdal", "abdur", "abder", "abdou", "abdoul", "عبد"})
_PARTICLE_WORDS = (
    "de del la las los da das do dos di du des le van von der den ibn bin ben bint bte abu y e al el ul und and et"
)
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_ARTICLES = frozenset({"al", "el", "ul", "as", "ad", "ar", "an", "ur", "er", "at", "az", "ash", "es"})
_ARABIC_FORMS = str.maketrans("أإآٱىئؤةگکیڤپچہ", "ااااييوهككيفبجه", "ء")
_ARABIC = re.compile(r"[\u0600-\u06ff]")


def is_arabic(word: str) -> bool:
    """Whether a word is written in Arabic letters."""
    return _ARABIC.search(word) is not None


@functools.lru_cache(maxsize=100_000)
def plain(word: str) -> str:
    """A word without accents, marks, signs and case; ñ stays a letter of its own, Arabic letter forms become one."""
    kept = unicodedata.normalize("NFC", word).casefold().replace("ñ", "\ue000")
    parts = unicodedata.normalize("NFKD", kept.translate(_ARABIC_FORMS))
    bare = "".join(sign for sign in parts if not unicodedata.combining(sign) and sign not in "\u0640'’ʼʿʾ`´.")
    bare = bare.translate(_ARABIC_FORMS).replace("\ue000", "ñ").replace("ß", "ss").replace("ø", "o").replace("ł", "l")
    bare = bare.replace("æ", "ae").replace("œ", "oe").replace("đ", "d").replace("ı", "i")
    return "".join(sign for sign in bare if sign.isalnum())


@functools.lru_cache(maxsize=100_000)
def words(text: str) -> tuple[str, ...]:
    """The words of a name that are worth finding, in order: compounds joined, articles and particles left out (unless there is
    nothing else)."""
    pieces = [piece for piece in re.split(r"[\s\-‐–,;/]+", text.strip()) if plain(piece)]
    joined = _joined(pieces)
    kept = [piece for piece in joined if plain(piece) not in _PARTICLES]
    return tuple(dict.fromkeys(kept or joined))


def _joined(pieces: list[str]) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(pieces):
        piece = plain(pieces[place])
        following = place + 1
        if piece in _SERVANT:
            while following < len(pieces) and plain(pieces[following]) in _ARTICLES:
                following += 1
        if piece in _SERVANT and following < len(pieces):
            found.append(("عبد" if piece == "عبد" else "abd") + _without_article(plain(pieces[following])))
            place = following + 1
        else:
            found.append(_servant_of(piece) or pieces[place])
            place += 1
    return found


def _without_article(said: str) -> str:
    if is_arabic(said):
        return said.removeprefix("ال") if len(said) > 4 or said == "الله" else said
    return said[1:] if said.startswith("all") else said.removeprefix("al") if len(said) > 6 else said


def _servant_of(said: str) -> str:
    """ "Abdulrahman", written as one word, in the form that "Abd al-Rahman" gets; "" for another name."""
    if said.startswith("عبدال") and len(said) > 6:
        return "عبد" + said[5:]
    found = re.fullmatch(r"abd[aeou]{1,2}l?([a-z]{3,})|abd([b-df-hj-np-tv-z][a-z]{2,})", said)
    rest = (found[1] or found[2]) if found else ""
    return "abd" + re.sub(r"^([rzsdtnl])\1", r"\1", rest) if rest else ""


@functools.lru_cache(maxsize=100_000)
def close_codes(word: str) -> frozenset[str]:
    """How a word sounds, closely: vowels count. Latin: `s:`; Arabic and every other script: `a:` with its letters."""
    said = plain(word)
    if not said:
        return frozenset()
    if not _latin(said):
        return frozenset({f"a:{_bare_arabic(said)}"})
    spellings = {said}
    if "ç" in word.casefold():
        spellings.add(plain(word.casefold().replace("ç", "s")))
    return frozenset(f"s:{code}" for spelling in spellings for code in _spanish(spelling))


@functools.lru_cache(maxsize=100_000)
def wide_codes(word: str) -> frozenset[str]:
    """How a word sounds, widely: its consonants. as metaphone has them,
    and as Arabic and Latin spellings of a name share them (`k:`)."""
    said = plain(word)
    if is_arabic(said):
        return frozenset({f"k:{code}" for code in _arabic_consonants(_bare_arabic(said)) if len(code) > 1})
    if not _latin(said):
        return frozenset()
    ascii_only = said.replace("ñ", "n").encode("ascii", "ignore").decode()
    found = {f"k:{code}" for code in latin_consonants(ascii_only) if len(code) > 1}
    metaphone = jellyfish.metaphone(ascii_only)
    return frozenset(found | ({f"k:{metaphone}"} if len(metaphone) > 1 else set()))


@functools.lru_cache(maxsize=100_000)
def consonants(word: str) -> str:
    """The consonants by which two scripts are compared."""
    said = plain(word)
    codes = _arabic_consonants(_bare_arabic(said)) if is_arabic(said) else latin_consonants(said)
    return min(codes, default="")


def _latin(said: str) -> bool:
    return all(sign.isascii() or sign == "ñ" for sign in said)


# --- Spanish -------------------------------------------------------------------------------------------------------------

_SPANISH = [
    (re.compile(pattern), put)
    for pattern, put in (
        (r"ñ", "n"),
        (r"ph", "f"),
        (r"[sc]h", "X"),
        (r"^gua|^w(?=a)", "ua"),
        (r"gn", "n"),
        (r"h", ""),
        (r"qu(?=[ei])|q|ck", "k"),
        (r"gu(?=[ei])", "G"),
        (r"sc(?=[ei])|[cz](?=[ei])", "s"),
        (r"c", "k"),
        (r"g(?=[eiy])", "j"),
        (r"G", "g"),
        (r"ll|y", "i"),
        (r"v", "b"),
        (r"z", "s"),
        (r"n(?=[bp])", "m"),
        (r"nts", "ns"),
        (r"(.)\1+", r"\1"),
        (r"(?<=..)[dt]$", ""),
    )
]


def _spanish(said: str) -> set[str]:
    """A word by the Spanish rules; several forms where a letter is read in several ways."""
    forms = {said}
    if said.startswith("x"):
        forms = {"j" + said[1:], "s" + said[1:]}
    elif "x" in said:
        forms = {said.replace("x", "ks"), said.replace("x", "j"), said.replace("x", "s")}
    elif "w" in said:
        forms = {said.replace("w", "b"), said.replace("w", "u")}
    if said.startswith("j") and len(said) > 2:
        forms.add("y" + said[1:])
    return {_by_rules(form) for form in forms} - {""}


def _by_rules(form: str) -> str:
    for pattern, put in _SPANISH:
        form = pattern.sub(put, form)
    return form


# --- Arabic and Latin together -------------------------------------------------------------------------------------------

# A letter or pair of letters, and each consonant that it may be in the other script.
_ARABIC_LETTERS = "ب:B ت:T ط:T ث:TS ج:J ح:H ه:H خ:H د:D ض:D ذ:ZD ز:Z ظ:ZD ر:R س:S ص:S ش:X غ:G ف:F ق:K ك:K ل:L م:M ن:N"
_LATIN_LETTERS = "b:B c:K d:D f:F g:GJ h:H j:J k:K l:L m:M n:N p:B q:K r:R s:S t:T v:FB x:X z:Z"
_LATIN_PAIRS = "sch:X tch:X sh:X ch:X kh:H gh:G th:TS dh:DZ ph:F dj:J ck:K qu:K"


def _sound_table(said: str) -> dict[str, str]:
    return dict(entry.split(":") for entry in said.split())


_ARABIC_SOUNDS, _LATIN_SOUNDS, _PAIR_SOUNDS = map(_sound_table, (_ARABIC_LETTERS, _LATIN_LETTERS, _LATIN_PAIRS))
_PAIR = re.compile("|".join(_PAIR_SOUNDS))
_MOST_FORMS = 4


def _bare_arabic(said: str) -> str:
    """Without the article, when enough is left."""
    return said.removeprefix("ال") if len(said) > 4 else said


def _arabic_consonants(said: str) -> set[str]:
    said = said[:-1] if len(said) > 2 and said[-1] in "هح" else said
    found = _first_sound(said[:1])
    return _spelled([found, *(_ARABIC_SOUNDS.get(sign, "") for sign in said[len(said[:1]) :])])


def _first_sound(sign: str) -> str:
    if sign in ("ا", "ع"):
        return "A"
    return {"و": "W", "ي": "Y"}.get(sign, _ARABIC_SOUNDS.get(sign, ""))


def latin_consonants(said: str) -> set[str]:
    """The consonants of a word in Latin letters, as those of the same name in Arabic letters."""
    said = re.sub(r"^ou(?=[aei])", "w", re.sub(r"^[iy](?=[aeou])", "y", said))
    first = "A" if said[:1] in tuple("aeiou") else {"w": "W", "y": "Y"}.get(said[:1], "")
    return _spelled([first, *_latin_sounds(said)])


def _latin_sounds(said: str) -> list[str]:
    said = said[:-1] if len(said) > 2 and said.endswith("h") and said[-2] in "aeiou" else said
    said = re.sub(r"([a-z])\1+", r"\1", said)
    said = re.sub(r"c(?=[ei])", "s", said)
    found, place = [], 0
    while place < len(said):
        pair = _PAIR.match(said, place)
        piece = pair[0] if pair else said[place]
        found.append(_PAIR_SOUNDS[piece] if pair else _LATIN_SOUNDS.get(piece, ""))
        place += len(piece)
    return found


def _spelled(sounds: list[str]) -> set[str]:
    """All ways to read a row of sounds, each of which may be one of several letters; not more than a few."""
    forms = [""]
    for choices in sounds:
        if len(choices) > 1 and len(forms) * len(choices) > _MOST_FORMS:
            choices = choices[:1]
        forms = [form + choice for form in forms for choice in (choices or ("",))]
    return {form for form in forms if form}
