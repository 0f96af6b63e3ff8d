"""Writes what the phone apps share with `packages/rules`: the catalogue's types, labels and the forbidden stems as TypeScript
(`web/rules/src/generated.ts`, `web/wallet/src/labels.ts`), and the vectors under `vectors/amparo/rules/` that both
implementations must agree on.

Run from the root with `python -m tools.vectors_rules`; it writes the same bytes each time. `tests/foreign/test_web_rules.py`
holds that the committed files are these; `web/rules/tests/vectors.test.ts` and `web/log/tests/evidence.test.ts` hold that
TypeScript agrees. Random rules and households come from the generators of `packages/rules/tests`, with fixed seeds.
"""

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml
from packages.rules.tests.test_engines_agree import AS_OF, Facts, Maker, as_columns, households
from tools.vectors_receipts import dice, receipts

from amparo_common.bridge import FactDefined
from amparo_common.errors import AmparoError
from amparo_rules import forbidden
from amparo_rules import rule as rule_module
from amparo_rules.batch import evaluate_batch
from amparo_rules.catalogue import CATALOGUE
from amparo_rules.errors import RuleNotReadable
from amparo_rules.evaluate import Household
from amparo_rules.receipt import Declared, Frame, Subject, write_receipts
from amparo_rules.rule import Plan, RuleFile, read_rule
from amparo_rules.starter import NAMES, starter
from amparo_rules.syntax import parse

ROOT = Path(__file__).resolve().parents[1]
SOURCES = Path("web/rules/src")
LABELS = Path("web/wallet/src/labels.ts")
VECTORS = Path("vectors/amparo/rules")
_MADE = "// Made by tools/vectors_rules.py from packages/rules; change it there.\n"
_DECLARED = Declared(source="registry", date="2026-10-01")


def files() -> dict[Path, str]:
    """Everything that is written, by path."""
    return sources() | {VECTORS / f"{name}.json": _json(made()) for name, made in _VECTORS.items()}


def _json(content: dict[str, Any]) -> str:
    """One case a line, so that a change shows which."""
    source = "Amparo's own: tools/vectors_rules.py, the answers by packages/rules; judged again by web/rules"
    lines = []
    for name, value in ({"source": source} | content).items():
        if isinstance(value, list):
            cases = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in value)
            lines.append(f'"{name}": [\n{cases}\n]')
        else:
            lines.append(f'"{name}": {json.dumps(value, ensure_ascii=False, separators=(",", ":"))}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


# --- TypeScript ------------------------------------------------------------------------------------------------------------


def sources() -> dict[Path, str]:
    """The TypeScript files, by path."""
    return {SOURCES / "generated.ts": _generated(), LABELS: _labels()}


def _typescript(name: str, kind: str, value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return f"\nexport const {name}: {kind} = {text};\n"


def _generated() -> str:
    types = {f"{entity} {name}": msgspec.to_builtins(fact.type) for (entity, name), fact in CATALOGUE.items()}
    stems: dict[str, list[str]] = {}
    for stem, open_ended, concept in forbidden._STEMS:
        stems.setdefault(concept, []).append(stem + "*" * open_ended)
    texts = "Readonly<Record<string, string>>"
    return (
        _MADE
        + 'import type { FactType } from "./catalogue.ts";\n'
        + _typescript("CATALOGUE_TYPES", "Readonly<Record<string, FactType>>", types)
        + _typescript("STEMS", texts, {concept: " ".join(each) for concept, each in stems.items()})
        + _typescript("FORBIDDEN_PHRASES", texts, forbidden._FOLDED_PHRASES)
        + _typescript("ALLOWED_PHRASES", "readonly string[]", sorted(forbidden._ALLOWED_PHRASES))
        + _typescript("HARMLESS_WORDS", "readonly string[]", sorted(forbidden._HARMLESS_WORDS))
        + _typescript("ARTICLES", "readonly string[]", forbidden._ARABIC_ARTICLES)
    )


def _labels() -> str:
    rows = [
        f"  {json.dumps(f'{entity} {name}')}: () => _({json.dumps(fact.label['en'], ensure_ascii=False)}),\n"
        for (entity, name), fact in CATALOGUE.items()
    ]
    return (
        _MADE
        + "// What the facts of the catalogue are called, by entity and name. "
        + "Their translations are in the catalogue of words too.\n\n"
        + 'import { _ } from "@amparo/kit/words.ts";\n\n'
        + "export const LABELS: Readonly<Record<string, () => string>> = {\n"
        + "".join(rows)
        + "};\n"
    )


# --- rules and what they give ----------------------------------------------------------------------------------------------


def answer(work: Callable[[], Any]) -> dict[str, Any]:
    """What something gives, or the code of its error."""
    try:
        return {"gives": work()}
    except AmparoError as error:
        return {"code": error.code}


def _outcomes(rule: RuleFile, many: list[Household]) -> dict[str, Any]:
    """What the batch engine of the office decides, and a digest of each receipt as it would sign it."""
    plan = rule.plan(AS_OF)
    subjects = [Subject(f"H{place}", None, _DECLARED, household) for place, household in enumerate(many)]
    frame = Frame(rule=rule, cycle="2026-11", as_of=AS_OF, decided_at="2026-11-01T09:00:00Z")
    outcomes = evaluate_batch(plan, as_columns(plan, many))
    payloads = write_receipts(frame, plan, subjects, outcomes)
    ids = [clause.id for clause in plan.clauses]
    return {
        "amounts": [int(amount) for amount in outcomes.amount],
        "failed": [" ".join(name for bit, name in enumerate(ids) if bits >> bit & 1) for bits in outcomes.failed],
        "receipts": [hashlib.sha256(payload).hexdigest()[:16] for payload in payloads],
    }


def _shown(plan: Plan, many: list[Household]) -> list[Any]:
    """Households in the JSON form of their facts."""
    return [
        {
            "household": {name: kind.show(home.facts.get(name)) for name, kind in plan.household_inputs.items()},
            "members": [
                {name: kind.show(each.get(name)) for name, kind in plan.person_inputs.items()} for each in home.members
            ],
        }
        for home in many
    ]


def _decided(source: str, many: list[Household], defined: tuple[FactDefined, ...] = ()) -> dict[str, Any]:
    try:
        rule = read_rule(source, defined)
    except AmparoError as error:
        return {"code": error.code}
    return {"hash": rule.rule_hash} | _outcomes(rule, many)


def _rules() -> dict[str, Any]:
    """The starter rules and random rules over the same households. A random file is `head` and its `tail`."""
    many = households(7, 16)
    made = [Maker(seed).rule() for seed in range(260)]
    head = starter("food-basket").partition("parameters:")[0]
    assert all(each.startswith(head) for each in made)  # noqa: S101 - else the vectors would be of something else
    return {
        "as_of": AS_OF.isoformat(),
        "head": head,
        "households": _shown(read_rule(made[1]).plan(AS_OF), many),
        "starters": [{"file": starter(name)} | _decided(starter(name), many) for name in NAMES],
        "random": [{"tail": each.removeprefix(head)} | _decided(each, many) for each in made],
    }


def _defined() -> dict[str, Any]:
    """Random rules of language 2 that use facts of random definitions, each with households of its own. Where a definition is
    missing or spoilt the rule is refused."""
    cases = []
    head = starter("food-basket").partition("parameters:")[0].replace("language: 1", "language: 2")
    for seed in range(36):
        facts = Facts(dice(seed))
        source = Maker(seed, facts=facts).rule()
        logged = tuple(_spoilt(facts.logged, seed))
        # A household of the generators may have 30 members, which says no more than 5 do.
        many = [msgspec.structs.replace(each, members=each.members[:5]) for each in households(seed, 4, facts=facts)]
        decided = _decided(source, many, logged)
        shown = _shown(read_rule(source, logged).plan(AS_OF), many) if "hash" in decided else []
        case = {"tail": source.removeprefix(head), "defined": msgspec.to_builtins(logged), "households": shown}
        cases.append(case | decided)
    return {"as_of": AS_OF.isoformat(), "head": head, "cases": cases}


_SPOILS = (
    ('"approvals":2', '"approvals":1'),
    ("to test", " "),
    ("to test", "their party"),
    ('"retention_days":30', '"retention_days":3651'),
    ('"nullable":true', '"nullable":false'),
    ('"fr":"x"', '"fr":""'),
    ('"fr":"x"', '"de":"x"'),
    ('"scale":0', '"scale":7'),
    ('"purpose"', '"more":1,"purpose"'),
    ('"entity":"household"', '"entity":"person"'),
    ('{"entity"', ' {"entity"'),
)


def _spoilt(logged: tuple[FactDefined, ...], seed: int) -> Iterator[FactDefined]:
    """The entries as they are, or, for every third seed, with one that is spoilt, missing or defined twice."""
    place = seed % len(logged)
    for at, entry in enumerate(logged):
        if seed % 3 or at != place:
            yield entry
            continue
        old, new = _SPOILS[seed // 3 % len(_SPOILS)]
        approvals = 1 if "approvals" in old else entry.approvals
        yield msgspec.structs.replace(entry, definition=entry.definition.replace(old, new), approvals=approvals)
        yield entry  # too late: the first one of a name counts


# --- files that are refused ------------------------------------------------------------------------------------------------

_PUT = """language: 2|language: 3|bool|int|date|person|household|rooms|shoe|party|partido|score|need_score
votos|año|Size|size|under5|known(rooms, 1)|disability|known(disability, true)
age_at_least(birth_date, 65)|0|7|6|-1|007|12,50|1,500.00| |1.005|99999999999999|total(5)
total(known(monthly_income, 0))|monthly_income|greatest(1, size)|divide(1, size, 2)|divide(5, -3, 1)
round(2.5, 0)|true|in (1, 2)|= 1|!= 0|and|or|not|{}|[]|''|u s|é|9007199254.740993
999999999999999.999999|٣|_a|"\\U00110000"|\t|&a|#""".replace("\n", "|")


def _changed() -> dict[str, Any]:
    """Files made of a starter rule by putting something else in the place of one word: its hash, or why it is refused."""
    pick, cases = dice(5), []
    for name in NAMES:
        source = starter(name)
        words = [match.span() for match in re.finditer(r"[\w.]+|[^\w\s]", source.partition("examples:")[0])]
        for _ in range(180):
            start, end = pick.choice(words)
            put = pick.choice(_PUT.split("|"))
            changed = answer(lambda file=source[:start] + put + source[end:]: read_rule(file).rule_hash)  # type: ignore[misc]
            cases.append({"of": name, "from": start, "to": end, "put": put} | changed)
    return {"starters": {name: starter(name) for name in NAMES}, "cases": cases}


_WORDS = """1 2.50 0 ( ) , + - * = != < <= > >= and or not in true false size least greatest round divide flag known unknown
age_under count birth_date x.y ٣ _a A 1.1234567 1234567890123456"""


def _expressions() -> dict[str, Any]:
    """Expressions and their trees, null where the text is none."""
    pick, tokens = dice(6), _WORDS.split()
    texts = [
        "".join(pick.choice(tokens) + pick.choice(["", " "]) for _ in range(pick.randint(1, 9))) for _ in range(250)
    ]
    maker = Maker(6)
    texts += [maker.condition(["size", "a"], 3) for _ in range(60)]
    texts += [
        "(" * 31 + "1" + ")" * 31,
        "(" * 32 + "1" + ")" * 32,
        "1" + "+1" * 199,
        "1" + "+1" * 200,
        "\u00a01\u00a0",
        " " * 2001,
    ]
    return {"cases": [[text, answer(lambda text=text: parse(text)).get("gives")] for text in texts]}  # type: ignore[misc]


_FRAME = """programme: p
version: "1"
language: 1
title: {en: x}
purpose: {en: x}
legal_basis: x
unit: usd
budget: "1.00"
notice_days: 7
inputs: {person: {birth_date: date}, household: {monthly_income: decimal, rooms: int}}
facts: {size: count(true), under5: "count(age_under(birth_date, 5))"}
let: {found: "EXPRESSION"}
require: [{id: x, when: true, text: {en: x}}]
amount: 1
"""
_BIG = [
    "size",
    "under5",
    "known(monthly_income, -7.5)",
    "known(rooms, 2)",
    "999999999999999",
    "123456789.000001",
    "0.000001",
]


def _ranges() -> dict[str, Any]:
    """Expressions of large and small numbers: decimals, smallest and largest value as they are known before anything is computed,
    or why the rule is refused. Each stands for EXPRESSION in `frame`."""
    maker = Maker(10)
    # Where twice a value passes 2^61, which is what rounding needs, and just below it.
    doubled = [
        f"{form} * {factor}"
        for form in ("99999999999999.9", "-99999999999999.9")
        for factor in (1_152, 1_153, 1_500, 2_305)
    ]
    texts = [
        text
        for each in doubled
        for text in (f"round({each}, 0)", f"divide({each}, 1, 1)", f"divide({each}, 1, 0)", each)
    ]
    texts += [maker.number(_BIG, 2) for _ in range(420)]
    return {"frame": _FRAME, "cases": [[text, _range(_FRAME.replace("EXPRESSION", text))] for text in texts]}


def _range(source: str) -> str:
    try:
        node = dict(read_rule(source).plan(AS_OF).steps)["found"]
    except AmparoError as error:
        return error.code
    return f"{node.scale} {node.low} {node.high}"


def _names() -> dict[str, Any]:
    """Names, and the forbidden concept that they speak of."""
    pick = dice(8)
    words = [word.rstrip("*") for names in forbidden.CONCEPTS.values() for word in names.split()]
    found = [
        "geo_point",
        "colorDePiel",
        "photo credit",
        "union status",
        "credit score",
        "والدين",
        "ⓟarty",
        "pa\u200drty",
        "Straße",
    ]
    for _ in range(240):
        name = pick.choice(
            ["", "_", "al_", "el ", "ال", "x", "photo ", "union ", "blood_", "social ", "geo"]
        ) + pick.choice(words)
        name += pick.choice(["", "s", "_2", " credit", "Name", "ة"])
        found.append(pick.choice([name, name, name.upper(), name.title()]))
    return {"cases": [[name, forbidden.forbidden_concept(name)] for name in found]}


# --- YAML ------------------------------------------------------------------------------------------------------------------


@dataclass
class _Writer:
    """Writes small files in the many ways that people and programs write YAML."""

    pick: random.Random

    def node(self, depth: int, indent: str) -> str:
        """A value behind its key or dash."""
        kind = self.pick.choice(["map", "list", "text", "text"]) if depth else "text"
        if kind == "text":
            return self.pick.choice(_SCALARS).replace("\n", "\n" + indent) + "\n"
        inner = indent + " " * self.pick.choice([0, 1, 2, 2, 4])
        lines = ""
        for place in range(self.pick.randint(1, 3)):
            if kind == "map":
                key = self.pick.choice(["a", "b", "c d", "'e'", '"f"', "g:h", "é"]) if self.pick.random() < 0.7 else "k"
                lines += f"{inner}{key}{place}{self.pick.choice([':', ':', ' :'])}" + self.node(depth - 1, inner)
            else:
                lines += f"{inner}-{self.pick.choice(['', ' '])}" + self.node(depth - 1, inner).lstrip("\n")
            lines += self.pick.choice(["", "", "", "", "", "\n", "# c\n", "   # d\n", " \n"])
        return "\n" + lines

    def file(self) -> str:
        """A whole file, sometimes with something in it that does not belong there."""
        text = self.node(self.pick.randint(1, 3), "").lstrip("\n")
        place = self.pick.randrange(len(text) + 1)
        return text[:place] + self.pick.choice(_PIECES) + text[place:] if self.pick.random() < 0.5 else text


_SCALARS = [
    " plain",
    " 'q''x'",
    ' "d\\te\\u00e9\\"\\\\"',
    " a\n  b",
    " |\n   lit\n    more\n\n   x",
    " >-\n  fo\n  ld\n",
    "",
    " {a: 1, b: [c, d]}",
    " [x,\n y]",
    ' "a\n   b\\\n  c"',
    " >\n  a\n   b\n  c\n",
    "  # c",
    " |2\n    x\n",
    " -x",
    " a#b #c",
    " 'a\n\n  b'",
    " a:b",
    " :x",
    " x\n\n   y",
    " |+\n  k\n\n",
    " 2026-10-09",
    " 0x10",
    " ~",
    " {}",
    " {a, b: }",
    ' {"a":1,b:{c: d}}',
    " [[a], {b: c}]",
    " [a: b, c]",
]
_PIECES = [
    ": ",
    "- ",
    "\n",
    "\n  ",
    "  ",
    "'",
    '"',
    "#",
    " #",
    "[",
    "]",
    "{",
    "}",
    ",",
    "|",
    "> ",
    "\t",
    "\\",
    "\r\n",
    ":",
    "\\q",
    "x y",
]
# What this reader of YAML refuses, although Python reads it, and although a rule could be written so.
_OUTSIDE = ["? a\n: b", "%YAML 1.1\n---\na: b", "a: b\n...\n", "a: \u2028b"]


def _strictly(source: str) -> Any:
    """What Python reads; an empty file is an empty text. Raises `AmparoError` where it reads nothing."""
    try:
        found = yaml.load(source, Loader=rule_module._StrictLoader)  # noqa: S506 - makes text, lists and maps only
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise RuleNotReadable("The file is not YAML.") from error
    return "" if found is None else found


def _yaml() -> dict[str, Any]:
    """Files and what stands in them, null where Python reads nothing."""
    writer = _Writer(dice(9))
    texts = sorted({text for text in (writer.file() for _ in range(520)) if len(text) < 260})
    plain = yaml.load(starter("food-basket"), Loader=yaml.BaseLoader)  # noqa: S506 - makes text, lists and maps only
    for width in (50, 120):
        texts += [yaml.safe_dump(plain, allow_unicode=width > 100, sort_keys=False, width=width)]
        texts += [yaml.safe_dump(plain, allow_unicode=True, default_flow_style=True, width=width)]
    cases = [[text, answer(lambda text=text: _strictly(text)).get("gives")] for text in texts]  # type: ignore[misc]
    return {"cases": cases, "outside": _OUTSIDE}


_VECTORS: dict[str, Callable[[], dict[str, Any]]] = {
    "rules": _rules,
    "defined": _defined,
    "changed": _changed,
    "expressions": _expressions,
    "ranges": _ranges,
    "names": _names,
    "yaml": _yaml,
    "receipts": receipts,
}


def main() -> None:
    """Writes everything."""
    for path, text in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
