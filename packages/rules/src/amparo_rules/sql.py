"""The same rule as DuckDB SQL over two tables: `person(household, inputs...)` and `household(id, inputs...)`.

Integers only: BIGINT in, BIGINT out, conditions as BOOLEAN that is never null. Every rounding and division becomes a
named column of its own layer, because nested ones would repeat their text and grow without bound. Names in the SQL are
ours (`p_`, `h_`, `s_`, `d_` prefixes over names the checker accepted), so nothing of a file reaches the SQL unquoted.
"""

from collections.abc import Callable

from amparo_rules.check import Node
from amparo_rules.rule import Plan


def query(plan: Plan) -> str:
    """SQL giving, per household: `id`, every named step as `s_NAME`, `failed` (bit n = clause n) and `amount`."""
    named = {name: f"h_{name}" for name in plan.household_inputs}
    named |= {name: f"s_{name}" for name, _ in plan.facts + plan.steps}
    layers = _Layers(named)
    for name, node in plan.steps:
        layers.add(name, node)
    clauses = [layers.text(clause.when) for clause in plan.clauses]
    amount = layers.text(plan.amount)
    failed = " + ".join(f"CASE WHEN {text} THEN 0 ELSE {1 << bit} END" for bit, text in enumerate(clauses))
    steps = "".join(f", s_{name}::BIGINT AS s_{name}" for name, _ in plan.facts + plan.steps)
    return (
        f"SELECT id{steps}, failed, CASE WHEN failed = 0 THEN amount ELSE 0 END AS amount FROM "
        f"(SELECT *, ({failed})::BIGINT AS failed, ({amount})::BIGINT AS amount FROM {layers.over(_members(plan))})"
    )


def _members(plan: Plan) -> str:
    """Households joined with the facts over their members: one pass."""
    layers = _Layers({name: f"p_{name}" for name in plan.person_inputs})
    columns = []
    for name, node in plan.facts:
        inner = layers.text(node.nodes()[0])
        how = f"count(*) FILTER (WHERE {inner})" if node.op == "count" else f"coalesce(sum({inner}), 0)::BIGINT"
        columns.append(f", {how} AS s_{name}")
    grouped = f"SELECT household{''.join(columns)} FROM {layers.over('person')} GROUP BY household"
    return f"(SELECT * FROM household JOIN ({grouped}) AS members ON members.household = household.id)"


class _Layers:
    """Turns nodes into SQL over `named` columns; divisions and steps become columns of layers below."""

    def __init__(self, named: dict[str, str]) -> None:
        self._named = named
        self._layers: list[list[str]] = []
        # How many layers must lie below whoever uses this column.
        self._needs: dict[str, int] = {}
        self._deepest = 0
        self._divisions = 0

    def over(self, source: str) -> str:
        """The layers stacked over a table or subquery."""
        for layer in self._layers:
            source = f"(SELECT *, {', '.join(layer)} FROM {source})"
        return source

    def add(self, name: str, node: Node) -> None:
        """A named step."""
        text, depth = self._measured(node)
        self._put(self._named[name], text, depth)

    def text(self, node: Node) -> str:
        """The SQL of a node; its divisions are put into layers of their own first."""
        if node.op == "column":
            column = self._named[str(node.args[0])]
            self._deepest = max(self._deepest, self._needs.get(column, 0))
            return column
        if node.op in ("round", "divide"):
            return self._division(node)
        parts = [self.text(each) for each in node.nodes()]
        numbers = [str(arg) for arg in node.args if isinstance(arg, int)]
        if node.op == "const":
            return ("true" if node.args[0] else "false") if node.kind == "bool" else f"{numbers[0]}::BIGINT"
        return _SQL[node.op](*parts, *numbers)

    def _measured(self, node: Node) -> tuple[str, int]:
        """The SQL of a node and how many layers it needs below it."""
        outer, self._deepest = self._deepest, 0
        text = self.text(node)
        depth, self._deepest = self._deepest, outer
        return text, depth

    def _put(self, column: str, text: str, depth: int) -> None:
        while len(self._layers) <= depth:
            self._layers.append([])
        self._layers[depth].append(f"{text} AS {column}")
        self._needs[column] = depth + 1

    def _division(self, node: Node) -> str:
        number, self._divisions = self._divisions, self._divisions + 1
        top, depth = self._measured(node.nodes()[0])
        under = str(node.args[1])
        if node.op == "divide":
            bottom, bottom_depth = self._measured(node.nodes()[1])
            depth, under = max(depth, bottom_depth), f"b_{number}"
            self._put(under, f"({bottom})::BIGINT", depth)
        over, result = f"t_{number}", f"d_{number}"
        self._put(over, f"({top})::BIGINT", depth)
        size = f"((2 * abs({over}) + abs({under})) // (2 * abs({under})))"
        self._put(result, f"CASE WHEN ({over} < 0) <> ({under} < 0) THEN -{size} ELSE {size} END", depth + 1)
        self._deepest = max(self._deepest, depth + 2)
        return result


_SQL: dict[str, Callable[..., str]] = {
    "times": lambda a, factor: f"({a} * {factor})",
    "negative": lambda a: f"(-{a})",
    "+": lambda a, b: f"({a} + {b})",
    "-": lambda a, b: f"({a} - {b})",
    "*": lambda a, b: f"({a} * {b})",
    "least": lambda *each: f"least({', '.join(each)})",
    "greatest": lambda *each: f"greatest({', '.join(each)})",
    "flag": lambda a: f"CASE WHEN {a} THEN 1::BIGINT ELSE 0::BIGINT END",
    "truth": lambda a: f"coalesce({a}, false)",
    "not": lambda a: f"(NOT {a})",
    "and": lambda a, b: f"({a} AND {b})",
    "or": lambda a, b: f"({a} OR {b})",
    "known": lambda a, default: f"coalesce({a}, {default})",
    "unknown": lambda a: f"({a} IS NULL)",
    "age_under": lambda born, cutoff: f"coalesce({born} > {cutoff}, false)",
    "age_at_least": lambda born, cutoff: f"coalesce({born} <= {cutoff}, false)",
    "=": lambda a, b: f"({a} = {b})",
    "!=": lambda a, b: f"({a} <> {b})",
    "<": lambda a, b: f"({a} < {b})",
    "<=": lambda a, b: f"({a} <= {b})",
    ">": lambda a, b: f"({a} > {b})",
    ">=": lambda a, b: f"({a} >= {b})",
}
