"""What the tests of accounts, approvals and trail share: a clock that stands, members with a password, two things at once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connections
from django.test import Client, override_settings
from tests.servers.invented import give_passkey

from amparo_common.clock import FixedClock
from amparo_staff.accounts.models import Grant, StaffMember
from amparo_staff.accounts.roles import Role

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASSWORD = "seven green lanterns"


class QuickHasher(Argon2PasswordHasher):
    """Argon2 with little work; counts how often it hashes, to see that each answer costs the same."""

    time_cost, memory_cost, parallelism = 1, 64, 1
    count = 0

    def encode(self, password: str, salt: str) -> str:
        """A hash."""
        QuickHasher.count += 1
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether it is the hash."""
        QuickHasher.count += 1
        return super().verify(password, encoded)


@contextmanager
def standing_clock(instant: datetime = NOON) -> Iterator[FixedClock]:
    """The desk's clock, which moves only when it is set. Pages speak English, and a password's hash is quick."""
    clock = FixedClock(instant)
    quick = f"{QuickHasher.__module__}.{QuickHasher.__name__}"
    with override_settings(AMPARO_CLOCK=clock, LANGUAGE_CODE="en", PASSWORD_HASHERS=[quick]):
        yield clock


def person(login: str, *roles: Role, passkey: bool | None = None, password: str = PASSWORD) -> StaffMember:
    """A member with a password; an administrator also has a passkey, unless said otherwise."""
    made = StaffMember(login=login, name=login.title(), language="en")
    made.set_password(password)
    made.save()
    Grant.objects.bulk_create(Grant(member=made, role=role.value) for role in roles)
    if (Role.ADMINISTRATOR in roles) if passkey is None else passkey:
        give_passkey(made, NOON)
    return made


def sign_in(browser: Client, login: str, password: str = PASSWORD) -> int:
    """The status of the answer to a sign-in."""
    return browser.post("/sign-in", {"login": login, "password": password}).status_code


def at_once(deeds: Sequence[Callable[[], object]]) -> list[object]:
    """Do things in threads that begin together, each with a connection of its own: what they gave or raised, in order."""
    gate = threading.Barrier(len(deeds))
    results: list[object] = [None] * len(deeds)

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = deeds[place]()
        except Exception as error:  # noqa: BLE001 - what a thread raised is its result
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
