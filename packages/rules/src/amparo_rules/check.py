"""Types, scales and ranges: turns the tree of an expression into a `Node` that every engine computes alike.

Each number's decimal scale is known here, once, and all arithmetic is on 64-bit integers; a `Node` also carries the
smallest and largest value it can take. Refused: anything that could pass 2^61, a divisor that could be 0, a value that
could be unknown inside arithmetic, a comparison of two kinds. Ages are tested against a cut-off date computed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from amparo_rules.catalogue import days
from amparo_rules.errors import RuleRefused
from amparo_rules.syntax import Tree

Kind = Literal["number", "bool", "date"]

LIMIT = 2**61
MOST_SCALE = 8
OLDEST = 130


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a computation on integers. `op` and `args` say what to do; the rest is what is known beforehand."""

    op: str
    args: tuple["Node | int | str", ...]
    kind: Kind
    scale: int = 0
    low: int = 0
    high: int = 1
    nullable: bool = False

    def nodes(self) -> tuple["Node", ...]:
        """The arguments that are nodes."""
        return tuple(arg for arg in self.args if isinstance(arg, Node))


Scope = Mapping[str, Node]


def number(value: int, scale: int) -> Node:
    """A constant."""
    return within(Node("const", (value,), "number", scale, value, value))


def check(tree: Tree, scope: Scope, *, as_of: date) -> Node:
    """The typed form of `tree`, whose names are found in `scope`. Raises `RuleRefused`."""
    return _Checker(scope, as_of).node(tree)


def condition(node: Node) -> Node:
    """`node` as a condition: a yes-or-no value; one that may be unknown counts as not true. Raises `RuleRefused`."""
    if node.kind != "bool":
        raise RuleRefused("A condition is needed here, but this is a number or a date.")
    return Node("truth", (node,), "bool") if node.nullable else node


def within(node: Node) -> Node:
    """`node` itself when no value it can take is too large or too fine. Raises `RuleRefused`."""
    if node.low < -LIMIT or node.high > LIMIT:
        raise RuleRefused("A number could become too large to be computed exactly.")
    if node.scale > MOST_SCALE:
        raise RuleRefused(f"A number would have more than {MOST_SCALE} decimals; round it first.")
    return node


def _numeric(node: Node) -> Node:
    if node.kind != "number":
        raise RuleRefused("A number is needed here; turn a condition into 0 or 1 with flag().")
    if node.nullable:
        raise RuleRefused("A value that may be unknown is used in a calculation; write known(value, instead).")
    return node


def rescale(node: Node, scale: int) -> Node:
    """`node` with more decimals, the same value."""
    if node.scale == scale:
        return node
    factor = 10 ** (scale - node.scale)
    return within(Node("times", (node, factor), "number", scale, node.low * factor, node.high * factor))


def round_half_away(node: Node, scale: int) -> Node:
    """`node` rounded to fewer decimals, halves away from zero."""
    if node.scale <= scale:
        return rescale(node, scale)
    power = 10 ** (node.scale - scale)
    within(Node("probe", (), "number", 0, 2 * node.low - power, 2 * node.high + power))
    low, high = divide_half_away(node.low, power), divide_half_away(node.high, power)
    return Node("round", (node, power), "number", scale, low, high)


def divide_half_away(top: int, bottom: int) -> int:
    """`top / bottom` to the nearest whole number, halves away from zero: what `round` and `divide` mean everywhere."""
    quotient = (2 * abs(top) + abs(bottom)) // (2 * abs(bottom))
    return -quotient if (top < 0) != (bottom < 0) else quotient


class _Checker:
    def __init__(self, scope: Scope, as_of: date) -> None:
        self._scope = scope
        self._as_of = as_of

    def node(self, tree: Tree) -> Node:
        match tree:
            case ["name", str(name)]:
                if name not in self._scope:
                    raise RuleRefused(f"The name “{name}” is not known here.")
                return self._scope[name]
            case ["number", int(value), int(scale)]:
                return number(value, scale)
            case ["bool", bool(value)]:
                return Node("const", (int(value),), "bool", 0, int(value), int(value))
            case ["call", str(name), *arguments]:
                return self._call(name, arguments)
            case ["and" | "or" as op, left, right]:
                return Node(op, (condition(self.node(left)), condition(self.node(right))), "bool")
            case ["not", inner]:
                return Node("not", (condition(self.node(inner)),), "bool")
            case ["negative", inner]:
                operand = _numeric(self.node(inner))
                return Node("negative", (operand,), "number", operand.scale, -operand.high, -operand.low)
            case ["in", left, *choices]:
                tests = [self._compare("=", left, choice) for choice in choices]
                found = tests[0]
                for test in tests[1:]:
                    found = Node("or", (found, test), "bool")
                return found
            case ["+" | "-" | "*" as op, left, right]:
                return self._arithmetic(op, _numeric(self.node(left)), _numeric(self.node(right)))
            case ["=" | "!=" | "<" | "<=" | ">" | ">=" as op, left, right]:
                return self._compare(op, left, right)
            case _:
                raise RuleRefused("This expression has an unknown form.")

    def _compare(self, op: str, left: Tree, right: Tree) -> Node:
        one, two = _numeric(self.node(left)), _numeric(self.node(right))
        scale = max(one.scale, two.scale)
        return Node(op, (rescale(one, scale), rescale(two, scale)), "bool")

    def _arithmetic(self, op: str, one: Node, two: Node) -> Node:
        if op == "*":
            ends = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
            return within(Node("*", (one, two), "number", one.scale + two.scale, min(ends), max(ends)))
        scale = max(one.scale, two.scale)
        one, two = rescale(one, scale), rescale(two, scale)
        if op == "+":
            return within(Node("+", (one, two), "number", scale, one.low + two.low, one.high + two.high))
        return within(Node("-", (one, two), "number", scale, one.low - two.high, one.high - two.low))

    def _call(self, name: str, arguments: list[Tree]) -> Node:
        match name, arguments:
            case "least" | "greatest", [_, _, *_]:
                return self._extreme(name, [_numeric(self.node(each)) for each in arguments])
            case "round", [value, digits]:
                return round_half_away(_numeric(self.node(value)), _digits(digits))
            case "divide", [top, bottom, digits]:
                return self._divide(_numeric(self.node(top)), _numeric(self.node(bottom)), _digits(digits))
            case "flag", [inner]:
                return Node("flag", (condition(self.node(inner)),), "number", 0, 0, 1)
            case "known", [value, default]:
                return self._known(self.node(value), self.node(default))
            case "unknown", [value]:
                node = self.node(value)
                if not node.nullable:
                    raise RuleRefused("unknown() asks about a value that is always known.")
                return Node("unknown", (node,), "bool")
            case "age_under" | "age_at_least", [born, ["number", int(years), 0]] if 0 < years <= OLDEST:
                return self._age(name, self.node(born), years)
            case "count" | "total", _:
                raise RuleRefused(f"{name}() goes over the members and belongs into facts, alone on its line.")
            case _:
                raise RuleRefused(f"There is no function {name}() with these arguments.")

    def _extreme(self, name: str, values: list[Node]) -> Node:
        scale = max(value.scale for value in values)
        scaled = tuple(rescale(value, scale) for value in values)
        pick = min if name == "least" else max
        low, high = pick(value.low for value in scaled), pick(value.high for value in scaled)
        return Node(name, scaled, "number", scale, low, high)

    def _divide(self, top: Node, bottom: Node, digits: int) -> Node:
        if bottom.low <= 0 <= bottom.high:
            raise RuleRefused("A divisor could be 0; write greatest(value, 1) or the like.")
        exponent = digits + bottom.scale - top.scale
        if exponent >= 0:
            over = rescale(top, top.scale + exponent)
            under = bottom
        else:
            over = top
            under = rescale(bottom, bottom.scale - exponent)
        reach = 2 * max(abs(over.low), abs(over.high)) + max(abs(under.low), abs(under.high))
        within(Node("probe", (), "number", 0, -reach, reach))
        ends = [divide_half_away(a, b) for a in (over.low, over.high) for b in (under.low, under.high)]
        return within(Node("divide", (over, under), "number", digits, min(*ends, 0), max(*ends, 0)))

    def _known(self, value: Node, default: Node) -> Node:
        if not value.nullable:
            raise RuleRefused("known() is used on a value that is always known.")
        if value.kind != default.kind or value.kind == "date" or default.nullable:
            raise RuleRefused("known() needs a replacement of the same kind that is itself known.")
        if value.kind == "bool":
            return Node("known", (value, default), "bool")
        scale = max(value.scale, default.scale)
        factor = 10 ** (scale - value.scale)
        default = rescale(default, scale)
        low, high = min(value.low * factor, default.low), max(value.high * factor, default.high)
        scaled = Node("times", (value, factor), "number", scale, low, high, nullable=True) if factor > 1 else value
        return within(Node("known", (scaled, default), "number", scale, low, high))

    def _age(self, name: str, born: Node, years: int) -> Node:
        if born.kind != "date":
            raise RuleRefused(f"{name}() needs a date of birth.")
        return Node(name, (born, days(_years_before(self._as_of, years))), "bool")


def _years_before(as_of: date, years: int) -> date:
    """The last day of birth on which somebody has had their `years`-th birthday by `as_of`."""
    try:
        return as_of.replace(year=as_of.year - years)
    except ValueError:  # 29 February in a common year
        return as_of.replace(year=as_of.year - years, day=28)


def _digits(tree: Tree) -> int:
    match tree:
        case ["number", int(value), 0] if 0 <= value <= 6:
            return value
    raise RuleRefused("The number of decimals is a plain number from 0 to 6.")
