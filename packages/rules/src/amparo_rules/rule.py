"""A rule file: read, checked, hashed (`read_rule`), and made ready for one cycle (`RuleFile.plan`).

The identity of a rule is `rule_hash`: SHA-256 over the canonical JSON of its parsed content (expressions as trees, types
as catalogued), so that layout and comments of the file do not count and everything else does. `LANGUAGES` are the versions
of grammar and meaning; a new meaning gets a new number, an old number keeps its meaning for ever. Language 2 is language 1 and
facts that were defined in the public log before the rule; its hash covers their definitions whole.
"""

import contextlib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import yaml

from amparo_common import canonical
from amparo_common.bridge import FactDefined
from amparo_common.money import MOST_MINOR_UNITS, Unit, parse_minor
from amparo_rules.catalogue import CATALOGUE, Definitions, Entity, FactType, Shown, fact
from amparo_rules.check import Node, Scope, check, condition, number, round_half_away, within
from amparo_rules.defined import first_of_each, standing
from amparo_rules.errors import RuleNotReadable, RuleRefused, UnknownFact
from amparo_rules.forbidden import forbidden_concept, refuse_forbidden
from amparo_rules.syntax import RESERVED, Tree, parse

LANGUAGES = ("1", "2")
ENTITIES: tuple[Entity, ...] = ("person", "household")
LARGEST_FILE = 60_000
MOST_MEMBERS = 100
MOST_CLAUSES = 60
SHORTEST_NOTICE_DAYS = 7
AMOUNT_SCALE = 2
# On which day a rule is checked: ages are tested against cut-offs that this day gives, and no check depends on them.
ANY_DAY = date(2000, 2, 29)


class ClauseText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One requirement as written: an id, a condition, and its sentence in every language of the programme."""

    id: str
    when: str
    text: dict[str, str]


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named number with the day it counts from and where it comes from."""

    value: str
    since: str
    reference: str


class ExampleAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an example household gets: failed clauses, or the amount."""

    failed: list[str] = []
    amount: str = "0.00"


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An example household with the expected answer, evaluated as of a day."""

    name: str
    as_of: str
    household: dict[str, str]
    members: list[dict[str, str]]
    expect: ExampleAnswer


class RuleText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule file as written. All values are text until they are checked."""

    programme: str
    version: str
    language: str
    title: dict[str, str]
    purpose: dict[str, str]
    legal_basis: str
    unit: str
    budget: str
    notice_days: str
    inputs: dict[str, dict[str, str]]
    facts: dict[str, str]
    require: list[ClauseText]
    amount: str
    let: dict[str, str] = {}
    parameters: dict[str, Parameter] = {}
    examples: list[Example] = []


@dataclass(frozen=True, slots=True)
class Clause:
    """One requirement, ready to compute."""

    id: str
    when: Node
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule made ready for one cycle: what to compute, in order, with ages resolved against `as_of`."""

    as_of: date
    person_inputs: dict[str, FactType]
    household_inputs: dict[str, FactType]
    facts: list[tuple[str, Node]]
    steps: list[tuple[str, Node]]
    clauses: list[Clause]
    amount: Node


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A checked rule. `content` is what `rule_hash` is computed over; `source` the file as published; `defined` the entries of the
    log that define those of its facts that are not in the catalogue of the release."""

    text: RuleText
    source: str
    content: dict[str, Any]
    rule_hash: str
    notice_days: int
    budget: int
    defined: tuple[FactDefined, ...] = ()

    @property
    def programme(self) -> str:
        """The programme's short name."""
        return self.text.programme

    @property
    def unit(self) -> Unit:
        """The unit of the amounts."""
        return Unit(self.text.unit)

    def plan(self, as_of: date) -> Plan:
        """The rule for the cycle that begins on `as_of`. Raises `RuleRefused`."""
        return _plan(self.text, standing(self.defined), as_of)


@functools.lru_cache(maxsize=64)
def read_rule(source: str, defined: tuple[FactDefined, ...] = ()) -> RuleFile:
    """A rule file, checked in every way but its examples (`examples.check_examples`). `defined` is what the log defines before the
    place of the rule (`LogView.facts_before`), in its order; for a draft, all that it defines now.

    Raises `RuleNotReadable`, `RuleRefused`, `UnknownFact` or `ForbiddenConcept`."""
    text = _read_yaml(source)
    _check_names(text)
    _check_languages(text)
    known = standing(defined)
    plan = _plan(text, known, ANY_DAY)
    used = facts_of(text) & known.keys() if text.language != "1" else frozenset()
    content = _content(text, plan) | _defined_content(text, {key: known[key] for key in used})
    rule = RuleFile(
        text=text,
        source=source,
        content=content,
        rule_hash=canonical.digest(content),
        notice_days=_whole(text.notice_days, "notice_days"),
        budget=parse_minor(text.budget),
        defined=tuple(entry for key, entry in first_of_each(defined).items() if key in used),
    )
    if rule.notice_days < SHORTEST_NOTICE_DAYS:
        raise RuleRefused(f"The notice period is shorter than {SHORTEST_NOTICE_DAYS} days.")
    return rule


class _StrictLoader(yaml.BaseLoader):
    """YAML with text values only, no aliases, no repeated keys: one file, one meaning."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call] # the stubs give it no types
        # The phones read rules too, with a smaller reader: what it does not know is not published.
        if getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None:
            raise RuleNotReadable("A rule file has no anchors, aliases or tags.")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001
        names = [str(key.value) for key, _ in node.value]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise RuleNotReadable(f"The name “{min(repeated)}” is written twice.")
        return super().construct_mapping(node, deep)


def _read_yaml(source: str) -> RuleText:
    if len(source.encode()) > LARGEST_FILE:
        raise RuleNotReadable(f"A rule file has at most {LARGEST_FILE:,} bytes.")
    try:
        plain = yaml.load(source, Loader=_StrictLoader)  # noqa: S506 - BaseLoader makes text, lists and maps only
        return msgspec.convert(plain, RuleText)
    except msgspec.ValidationError as error:
        raise RuleNotReadable(f"The file has the wrong shape: {error}.") from error
    except (
        yaml.YAMLError,
        RecursionError,
        ValueError,
        OverflowError,
    ) as error:  # the last two: an escape beyond Unicode
        raise RuleNotReadable("The file is not YAML.", why=str(getattr(error, "problem", ""))) from error


def _check_names(text: RuleText) -> None:
    for name in (text.programme, text.unit):
        if not (name and name.replace("-", "").isalnum() and name.isascii() and name == name.lower()):
            raise RuleNotReadable(f"“{name}” is not a short name (small letters, digits and hyphens).")
    if text.language not in LANGUAGES:
        raise RuleNotReadable(f"This version reads language {' and '.join(LANGUAGES)}.")
    seen: set[str] = set()
    inputs = [name for names in text.inputs.values() for name in names]
    for name in [*inputs, *text.parameters, *text.facts, *text.let]:
        if name in seen or name in RESERVED or not name.isidentifier() or name != name.lower():
            raise RuleNotReadable(f"The name “{name}” is used twice or is not allowed.")
        seen.add(name)
    for name in [*text.parameters, *text.facts, *text.let]:
        # A need score may be a named step inside one decision; it is kept nowhere but in that decision's receipt.
        if forbidden_concept(name) != "score":
            refuse_forbidden(name, place="step")
    ids = [clause.id for clause in text.require]
    if len(set(ids)) != len(ids) or not 0 < len(ids) <= MOST_CLAUSES:
        raise RuleNotReadable(f"A rule has 1 to {MOST_CLAUSES} requirements, each with its own id.")


def _check_languages(text: RuleText) -> None:
    languages = set(text.title)
    for written in [text.purpose, *(clause.text for clause in text.require)]:
        if set(written) != languages or not all(sentence.strip() for sentence in written.values()):
            raise RuleNotReadable(
                "Every sentence is needed in every language of the programme.",
                why=f"The title is written in: {', '.join(sorted(languages))}.",
            )


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise RuleNotReadable(f"{name} is a whole number.")
    return int(text)


def facts_of(text: RuleText) -> frozenset[tuple[Entity, str]]:
    """The facts that a rule tests."""
    return frozenset((entity, name) for entity in ENTITIES for name in text.inputs.get(entity, {}))


def _types(text: RuleText, entity: Entity, defined: Definitions) -> dict[str, FactType]:
    if set(text.inputs) - set(ENTITIES):
        raise RuleNotReadable("Inputs are listed under person and household.")
    found = {}
    for name, kind in text.inputs.get(entity, {}).items():
        if text.language == "1" and (entity, name) in defined.keys() - CATALOGUE.keys():
            raise UnknownFact(
                f"The {entity} fact “{name}” is defined in the log, and language 1 knows the catalogue only.",
                todo="Write language: 2 in the rule file.",
            )
        definition = fact(entity, name) if text.language == "1" else fact(entity, name, defined)
        if definition.type.kind != kind:
            raise UnknownFact(f"The fact “{name}” is of type {definition.type.kind} in the catalogue, not {kind}.")
        found[name] = definition.type
    return found


def _column(name: str, kind: FactType) -> Node:
    node_kind = {"bool": "bool", "int": "number", "decimal": "number", "date": "date"}[kind.kind]
    return Node("column", (name,), node_kind, kind.scale, kind.min, kind.max, kind.nullable)  # type: ignore[arg-type]


def _plan(text: RuleText, defined: Definitions, as_of: date) -> Plan:
    persons, households = _types(text, "person", defined), _types(text, "household", defined)
    member_scope: dict[str, Node] = {name: _column(name, kind) for name, kind in persons.items()}
    scope: dict[str, Node] = {name: _column(name, kind) for name, kind in households.items()}
    for name, parameter in text.parameters.items():
        member_scope[name] = scope[name] = _constant(name, parameter)
    facts = []
    for name, expression in text.facts.items():
        with _line(name):
            node = _aggregate(parse(expression), member_scope, as_of)
        facts.append((name, node))
        scope[name] = Node("column", (name,), "number", node.scale, node.low, node.high)
    steps = []
    for name, expression in text.let.items():
        with _line(name):
            node = _known_value(check(parse(expression), scope, as_of=as_of))
        steps.append((name, node))
        scope[name] = Node("column", (name,), node.kind, node.scale, node.low, node.high)
    clauses = []
    for each in text.require:
        with _line(each.id):
            clauses.append(Clause(each.id, condition(check(parse(each.when), scope, as_of=as_of)), each.text))
    with _line("amount"):
        amount = _amount(check(parse(text.amount), scope, as_of=as_of))
    return Plan(as_of, persons, households, facts, steps, clauses, amount)


@contextlib.contextmanager
def _line(name: str) -> Iterator[None]:
    """Puts the name of the line in front of what is wrong with it."""
    try:
        yield
    except (RuleNotReadable, RuleRefused) as error:
        raise type(error)(f"In “{name}”: {error.what}", why=error.reason, todo=error.remedy) from error


def _constant(name: str, parameter: Parameter) -> Node:
    tree = parse(parameter.value)
    match tree:
        case ["number", int(value), int(scale)]:
            return number(value, scale)
    raise RuleNotReadable(f"The parameter “{name}” is not a number.")


def _aggregate(tree: Tree, scope: Scope, as_of: date) -> Node:
    match tree:
        case ["call", "count", inner]:
            node = condition(check(inner, scope, as_of=as_of))
            # Every household has at least one member, so counting all of them never gives 0.
            low = 1 if node.op == "const" and node.args == (1,) else 0
            return Node("count", (node,), "number", 0, low, MOST_MEMBERS)
        case ["call", "total", inner]:
            node = check(inner, scope, as_of=as_of)
            if node.kind != "number":
                raise RuleRefused("total() adds numbers.")
            low, high = min(0, node.low * MOST_MEMBERS), max(0, node.high * MOST_MEMBERS)
            return within(Node("total", (node,), "number", node.scale, low, high))
    raise RuleRefused("A line under facts is count(condition) or total(number), over the members.")


def _known_value(node: Node) -> Node:
    if node.nullable:
        raise RuleRefused("A step must always have a value; write known(value, instead).")
    if node.kind == "date":
        raise RuleRefused("A step is a number or a condition.")
    return node


def _amount(node: Node) -> Node:
    if node.kind != "number" or node.nullable:
        raise RuleRefused("The amount is a number that is always known.")
    if node.scale > AMOUNT_SCALE:
        raise RuleRefused("The amount has more than 2 decimals; write round(amount, 2).")
    minor = round_half_away(node, AMOUNT_SCALE)
    if minor.low < 0 or minor.high > MOST_MINOR_UNITS:
        raise RuleRefused("The amount could be negative or out of bounds; cap it with least() and greatest().")
    return minor


def _content(text: RuleText, plan: Plan) -> dict[str, Any]:
    written: dict[str, Any] = msgspec.to_builtins(text)
    return written | {
        "language": int(text.language),
        "inputs": {
            "person": {name: msgspec.to_builtins(kind) for name, kind in plan.person_inputs.items()},
            "household": {name: msgspec.to_builtins(kind) for name, kind in plan.household_inputs.items()},
        },
        "facts": [[name, parse(expression)] for name, expression in text.facts.items()],
        "let": [[name, parse(expression)] for name, expression in text.let.items()],
        "require": [{"id": each.id, "when": parse(each.when), "text": each.text} for each in text.require],
        "amount": parse(text.amount),
    }


def _defined_content(text: RuleText, used: Definitions) -> dict[str, Any]:
    """What the hash covers beside the file: the whole definitions, so that a rule cannot be read with others."""
    if text.language == "1":
        return {}
    return {
        "defined": {
            entity: {name: msgspec.to_builtins(found) for (kind, name), found in used.items() if kind == entity}
            for entity in ENTITIES
        }
    }


def read_facts(types: Mapping[str, FactType], values: Mapping[str, Shown]) -> dict[str, int | None]:
    """Facts in their JSON form as scaled integers. Raises `FactOutOfRange`."""
    return {name: kind.read(values.get(name)) for name, kind in types.items()}
