"""Names made comparable: the register's own words of a name (`register.words`), and one code for how each of them sounds.

The register's index has several codes for a word, wide enough to find what somebody half remembers. Here each word has exactly
one, without vowels, the same for Spanish, for Arabic and for its usual romanisations: محمد, Mohamed and Muhammad are one, and
González and Gonsales too. For comparing only: nothing of it is stored.
"""

import re
from functools import lru_cache

from amparo_office.register import words as spoken

_ARABIC = str.maketrans(
    dict(zip("ابتثجحخدذرزسصضطظعغفقكلمنهوي", "abttjhkddrzssdtzagfqklmnhwy", strict=True)) | {"ش": "sh"}
)
_SERVANT = re.compile(r"^abd[aeiou]*l(?=[^aeiou])")
_SOUNDS = (
    (re.compile(r"ñ"), "n"),
    (re.compile(r"sch|sh|ch"), "s"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"kh|ck|qu"), "k"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"^x"), "g"),
)
_LETTERS = str.maketrans("cqzvjx", "kksbgs", "h")


@lru_cache(maxsize=200_000)
def words(text: str) -> tuple[str, ...]:
    """The words of a name, folded: no accents, no particles, `Abd al-Rahman` one word."""
    return tuple(spoken.plain(word) for word in spoken.words(text))


@lru_cache(maxsize=200_000)
def sound(word: str) -> str:
    """How a folded word sounds: its consonants, an `a` for any vowel at its beginning."""
    code = word
    if spoken.is_arabic(word):
        code = word.removeprefix("ال").translate(_ARABIC)
    code = _SERVANT.sub("abd", code)
    for pattern, letters in _SOUNDS:
        code = pattern.sub(letters, code)
    code = re.sub(r"(.)\1+", r"\1", code)
    if code[:1] == "h":  # mute in Spanish; in Arabic the vowel behind it is not written
        code = code[1:].lstrip("aeiou") or code
    code = code.translate(_LETTERS)
    first, rest = code[:1], re.sub(r"[aeiouyw]", "", code[1:])
    return ("a" if first in "aeiou" else first) + rest or word
