"""The starter rule "food-basket" as somebody would write it in DuckDB for this one rule: the peer of the rule engine.

Same columns (int64, amounts in hundredths, dates as days since 1970), same results. What makes it a fair peer: one pass
over the people, integers only, one connection kept open, results left in numpy. `bench.month_peers` checks that it agrees.
"""

from datetime import date
from typing import Any

import duckdb
import numpy as np

from amparo_rules.batch import Columns
from amparo_rules.catalogue import days

_SQL = """
WITH members AS (
    SELECT household, count(*) AS size, count(*) FILTER (is_head) AS heads,
           count(*) FILTER (birth_date > {five_years_before}) AS under5, count(*) FILTER (disability) AS disabled
    FROM person GROUP BY household
), steps AS (
    SELECT id, size, heads, under5, disabled,
           (2 * coalesce(monthly_income, 0) + size) // (2 * size) AS income_per_head,
           (200 * size + greatest(coalesce(rooms, 1), 1)) // (2 * greatest(coalesce(rooms, 1), 1)) AS crowding
    FROM household JOIN members ON members.household = household.id
), decided AS (
    SELECT *, (heads = 1) AS one_head,
           (income_per_head <= 21000 OR (crowding >= 300 AND income_per_head <= 26250)) AS income
    FROM steps
)
SELECT id, size, heads, under5, disabled, income_per_head, crowding,
       CASE WHEN one_head THEN 0 ELSE 1 END + CASE WHEN income THEN 0 ELSE 2 END AS failed,
       CASE WHEN one_head AND income
            THEN least(15000, 3200 + 600 * size + 1200 * under5 + 1500 * disabled) ELSE 0 END AS amount
FROM decided ORDER BY id
"""


class RuleByHand:
    """The rule over one connection, as of one day."""

    def __init__(self, as_of: date, *, threads: int = 2) -> None:
        self._connection = duckdb.connect(":memory:", config={"threads": str(threads)})
        self._sql = _SQL.format(five_years_before=days(as_of.replace(year=as_of.year - 5)))

    def evaluate(self, columns: Columns) -> dict[str, np.ndarray[Any, Any]]:
        """The results by name, in the order of the households."""
        connection = self._connection
        connection.register("household", {"id": np.arange(columns.count, dtype=np.int64), **columns.household})
        connection.register("person", {"household": columns.owner, **columns.person})
        found: dict[str, np.ndarray[Any, Any]] = connection.execute(self._sql).fetchnumpy()
        return found
