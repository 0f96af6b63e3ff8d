"""Texts that a spreadsheet would take for a formula: written with an apostrophe before them, read without it.

The two undo each other for every text, so that a list that left comes back as it was.
"""

_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def like_formula(text: str) -> bool:
    """Whether some spreadsheet would compute it: what is before the sign may be blanks."""
    return text.startswith(_SIGNS) or text.lstrip().startswith(_SIGNS)


def harmless(text: str) -> str:
    """The text as it is written into a CSV file."""
    return f"'{text}" if like_formula(text.lstrip("'")) else text


def as_meant(text: str) -> str:
    """The text as it was before `harmless`."""
    return text[1:] if text.startswith("'") and like_formula(text.lstrip("'")) else text
