"""The mint's tokens in PostgreSQL: how they are looked up and written inside a transaction or a question of `postgres_store.py`.

A token is in one of three tables of its keyset: fresh, set aside, or packed (`postgres_schema.py`).
"""

from collections.abc import Iterable
from typing import Any

from amparo_cashu.spent_filter import ITEM_BYTES
from amparo_mint.deciding import Place, Writes


async def present(
    connection: Any, spend: Iterable[Place], issue: Iterable[Place]
) -> tuple[set[Place], set[Place], dict[Place, int]]:
    """Those of the places that are spent, waiting, or signed (for what amount), in one question."""
    parts, values = [], []
    for kind, amount, packed, places in (
        ("spent", "0::bigint AS amount", "0", spend),
        ("issued", "amount", "amounts[array_position(hashes, t.hash)]", issue),
    ):
        for number, hashes in sorted(_by_keyset(places).items()):
            values.append(hashes)
            at = len(values)
            parts += [
                f"SELECT '{kind}' AS kind, {number} AS number, hash, {amount} FROM {table} WHERE hash = ANY(${at}::uuid[])"
                for table in (f"fresh_{kind}_{number}", f"aside_{kind}_{number}")
            ]
            parts.append(
                f"SELECT '{kind}', {number}, t.hash, {packed} FROM unnest(${at}::uuid[]) AS t (hash) CROSS JOIN LATERAL"
                f" (SELECT * FROM {kind}_{number} WHERE first <= t.hash ORDER BY first DESC LIMIT 1) AS b"
                " WHERE t.hash = ANY(hashes)"
            )
            if kind == "spent":
                parts.append(
                    f"SELECT 'pending', {number}, hash, 0 FROM pending WHERE keyset = {number} AND hash = ANY(${at}::uuid[])"
                )
    found: dict[str, dict[Place, int]] = {"spent": {}, "pending": {}, "issued": {}}
    if parts:
        for kind, number, hashed, signed_for in await connection.fetch(" UNION ALL ".join(parts), *values):
            found[kind][number, hashed] = signed_for
    return set(found["spent"]), set(found["pending"]), found["issued"]


def _by_keyset(places: Iterable[Place]) -> dict[int, list[bytes]]:
    grouped: dict[int, list[bytes]] = {}
    for number, hashed in places:
        grouped.setdefault(number, []).append(hashed)
    return grouped


def token_inserts(writes: Writes) -> tuple[list[str], list[Any]]:
    """All inserts and counters of a group as the parts of one statement. `moved` and the others are sums per keyset."""
    parts: list[str] = []
    values: list[Any] = []

    def bound(value: Any, kind: str) -> str:
        values.append(value)
        return f"${len(values)}::{kind}"

    for number, hashes in sorted(_by_keyset((each.keyset, each.hash) for each in writes.spent).items()):
        parts.append(f"INSERT INTO fresh_spent_{number} SELECT unnest({bound(sorted(hashes), 'uuid[]')})")
    for number in sorted({each.keyset for each in writes.issued}):
        rows = sorted((each.hash, each.amount) for each in writes.issued if each.keyset == number)
        hashes_bound = bound([row[0] for row in rows], "uuid[]")
        amounts_bound = bound([row[1] for row in rows], "bigint[]")
        parts.append(f"INSERT INTO fresh_issued_{number} SELECT * FROM unnest({hashes_bound}, {amounts_bound})")
    counts = writes.denominations()
    if counts:
        columns = [
            bound([place[0] for place in counts], "integer[]"),
            bound([place[1] for place in counts], "bigint[]"),
            bound([count[0] for count in counts.values()], "bigint[]"),
            bound([count[1] for count in counts.values()], "bigint[]"),
        ]
        parts.append(
            "UPDATE denomination AS d SET signed = d.signed + n.signed, spent = d.spent + n.spent"
            f" FROM unnest({', '.join(columns)}) AS n (keyset, amount, signed, spent)"
            " WHERE d.keyset = n.keyset AND d.amount = n.amount"
        )
    if writes.keysets:
        sums = list(writes.keysets.items())
        columns = [
            bound([number for number, _ in sums], "integer[]"),
            bound([each.issued for _, each in sums], "bigint[]"),
            bound([each.moved for _, each in sums], "bigint[]"),
            bound([each.redeemed for _, each in sums], "bigint[]"),
            bound([each.claims for _, each in sums], "bigint[]"),
        ]
        parts.append(
            "UPDATE keyset AS k SET issued = k.issued + n.issued, moved = k.moved + n.moved,"
            " redeemed = k.redeemed + n.redeemed, claims = k.claims + n.claims"
            f" FROM unnest({', '.join(columns)}) AS n (number, issued, moved, redeemed, claims) WHERE k.number = n.number"
        )
    return parts, values


def rows_of(kind: str, number: int) -> str:
    """A term of a question: how many spent or issued tokens a keyset has."""
    return (
        f"(SELECT count(*) FROM fresh_{kind}_{number}) + (SELECT count(*) FROM aside_{kind}_{number})"
        f" + (SELECT coalesce(sum(cardinality(hashes)), 0)::bigint FROM {kind}_{number})"
    )


def filter_items(hashes: Iterable[bytes]) -> bytes:
    """The filter items of hashes, ascending."""
    return b"".join([each[:ITEM_BYTES] for each in sorted(hashes)])
