"""The machine of the primary database dies, or stands still, under load: the synchronous replica takes over, and has every swap
that was answered. Patroni and etcd decide, as they would in earnest (Debian packages patroni and etcd-server).
"""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from tests.faults.mint.load import Load
from tests.faults.mint.stories import Life, live
from tests.faults.mint.town import Country
from tests.needed import cannot_run
from tests.servers.patroni import Cluster, Node, cluster, missing

pytestmark = pytest.mark.faults

WALLETS, SEED = 16, 11
TURNS = 3


@pytest.fixture
def postgres_cluster() -> Iterator[Cluster]:
    """Two nodes, one of them a synchronous replica."""
    if missing():
        cannot_run(f"not installed (Debian): {' '.join(missing())}")
    with cluster() as made:
        yield made


Blow = Callable[[Node], Callable[[], None]]


def killed(node: Node) -> Callable[[], None]:
    """The node's machine is gone; what brings it back."""
    node.kill()
    return node.start


def frozen(node: Node) -> Callable[[], None]:
    """The node's machine stands still, with all its connections; what lets it go on."""
    node.freeze()
    return node.thaw


def switched(node: Node) -> Callable[[], None]:
    """The operator lets the replica take over; nothing is to be brought back."""
    node.hand_over()
    return lambda: None


async def fail_over(life: Life, servers: Cluster, blow: Blow) -> None:
    """Swap while the primary goes, and comes back as the new one's replica, a few times; raises `AssertionError` unless every token
    is accounted for."""
    load = Load(life, WALLETS, SEED)
    await load.fill()
    async with load.running():
        for _ in range(TURNS):
            primary = await asyncio.to_thread(servers.wait_in_step)
            await load.swapped_again(200)
            mend = await asyncio.to_thread(blow, primary)
            await asyncio.to_thread(servers.wait_primary, instead_of=primary)
            await asyncio.to_thread(mend)
            await asyncio.to_thread(servers.wait_in_step)
            await load.swapped_again(200)
    seen = load.seen
    assert not seen.refused
    assert await load.check() == (0, 0)
    print(
        f"{TURNS} failovers of PostgreSQL ({blow.__name__}): longest gap {seen.gap:.1f} s, {seen.swaps} swaps done, unclear"
        f" {dict(seen.unclear_codes)}, tokens lost: 0, doubled: 0"
    )
    assert set(seen.unclear_codes) <= {"mint.database_away"}


@pytest.mark.parametrize("blow", [killed, frozen, switched])
def test_when_the_primary_goes_the_replica_has_every_swap_that_was_answered(
    country: Country, postgres_cluster: Cluster, blow: Blow
) -> None:
    with country.town(postgres_cluster.make_database("mint"), mints=2) as town:
        live(town, lambda life: fail_over(life, postgres_cluster, blow), prove=False)
