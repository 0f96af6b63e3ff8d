"""From the text of an expression to its tree: a Pratt parser for the small grammar of the rule language.

The tree is made of plain lists, so that it is its own JSON form and can be hashed: `["name", n]`, `["number", digits,
scale]`, `["bool", b]`, `["call", f, args...]`, and operators `["+", a, b]`. Length, depth and size are limited before
anything is built. The grammar is frozen with `LANGUAGES` in `rule.py`. Not here: types and ranges (`check.py`).
"""

import re
from typing import Any

from amparo_rules.errors import RuleNotReadable

Tree = list[Any]

LONGEST = 2_000
DEEPEST = 32
MOST_TOKENS = 400
MOST_DECIMALS = 6

_TOKEN = re.compile(r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[a-z][a-z0-9_]*)|(?P<sign><=|>=|!=|[-+*(),=<>]))")

_BINARY = {
    "or": 10,
    "and": 20,
    "=": 40,
    "!=": 40,
    "<": 40,
    "<=": 40,
    ">": 40,
    ">=": 40,
    "in": 40,
    "+": 50,
    "-": 50,
    "*": 60,
}
_NOT, _MINUS = 30, 70
_COMPARES = 40
RESERVED = frozenset({"or", "and", "not", "in", "true", "false"})


def parse(text: str) -> Tree:
    """The tree of an expression. Raises `RuleNotReadable` with the place of the trouble."""
    if len(text) > LONGEST:
        raise RuleNotReadable(f"An expression is longer than {LONGEST:,} characters.")
    parser = _Parser(_tokens(text))
    tree = parser.expression(0, DEEPEST)
    if parser.peek() is not None:
        raise parser.trouble("the expression should end here")
    return tree


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:
            raise RuleNotReadable(f"The sign “{stripped[at:].lstrip()[:1]}” does not belong to the language.")
        found.append(match.group().strip())
        at = match.end()
        if len(found) > MOST_TOKENS:
            raise RuleNotReadable(f"An expression has more than {MOST_TOKENS} words and signs.")
    return found


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def take(self) -> str:
        token = self.peek()
        if token is None:
            raise RuleNotReadable("An expression ends too early.")
        self._at += 1
        return token

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            raise self.trouble(f"“{sign}” is expected here")
        self._at += 1

    def trouble(self, what: str) -> RuleNotReadable:
        before = " ".join(self._tokens[max(0, self._at - 4) : self._at])
        return RuleNotReadable(f"After “{before}”: {what}.")

    def expression(self, strength: int, depth: int) -> Tree:
        if depth == 0:
            raise RuleNotReadable(f"An expression is nested more than {DEEPEST} deep.")
        left = self._prefix(depth)
        while True:
            sign = self.peek()
            power = _BINARY.get(sign or "", -1)
            if sign is None or power <= strength:
                return left
            self._at += 1
            right = self._arguments(depth) if sign == "in" else [self.expression(power, depth - 1)]
            left = [sign, left, *right]
            if power == _COMPARES and _BINARY.get(self.peek() or "") == _COMPARES:
                raise self.trouble("comparisons cannot be chained; join them with “and”")

    def _prefix(self, depth: int) -> Tree:
        token = self.take()
        if token == "(":
            inner = self.expression(0, depth - 1)
            self.expect(")")
            return inner
        if token == "not":
            return ["not", self.expression(_NOT, depth - 1)]
        if token == "-":
            return ["negative", self.expression(_MINUS, depth - 1)]
        if token in ("true", "false"):
            return ["bool", token == "true"]
        if token[0].isdigit():
            return self._number(token)
        if token[0].isalpha() and token not in RESERVED:
            return ["call", token, *self._arguments(depth)] if self.peek() == "(" else ["name", token]
        raise self.trouble("a value is expected here")

    def _arguments(self, depth: int) -> list[Tree]:
        self.expect("(")
        found = [self.expression(0, depth - 1)]
        while self.peek() == ",":
            self._at += 1
            found.append(self.expression(0, depth - 1))
        self.expect(")")
        return found

    def _number(self, token: str) -> Tree:
        whole, _, part = token.partition(".")
        if len(whole) > 15 or len(part) > MOST_DECIMALS:
            raise self.trouble(f"a number has at most 15 digits and {MOST_DECIMALS} decimals")
        return ["number", int(whole + part), len(part)]
