"""A year of a programme's public log, made for `bench.audit`: every message is signed and appended by the log itself.

Months of rules, batches, approvals, keysets and figures whose sums agree, so that an honest audit finds nothing.
"""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from amparo_common.bridge import (
    AidApproved,
    DecisionsMade,
    KeyAnnounced,
    KeysetAnnounced,
    LogMessage,
    MintFigures,
    RulePublished,
    SettlementFigures,
    sign_for_log,
)
from amparo_common.ids import KeysetId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey
from amparo_log.config import load
from amparo_log.service import TransparencyLog
from amparo_log.store import SCHEMA
from amparo_rules.rule import RuleFile, read_rule
from amparo_rules.starter import starter
from amparo_service.database import Database
from amparo_service.practice_clock import PracticeClock
from amparo_signer.protocol import PublicKeyset
from amparo_signer.service import open_service
from bench.processes import log_signer, prepare_log

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOTAL, REDEEMED = 1_000_000, 900_000


class MadeLog:
    """The log under making. `close` it before its service is started."""

    def __init__(self, folder: Path, clock: Path) -> None:
        self._keys = {name: SigningKey.generate() for name in ("office", "mint", "shops")}
        self.vkey = prepare_log(folder, self._keys)
        self._signer = open_service(folder / "signer")
        self._clock = PracticeClock(clock)
        self._clock.set(BEGIN)
        self._database = Database(folder / "log.sqlite", [SCHEMA])
        self._log = TransparencyLog(
            self._database, log_signer(folder), publishers=load(folder).by_key(), clock=self._clock
        )
        for name, key in self._keys.items():
            self.say(name, KeyAnnounced(purpose=name, jwk=key.public.jwk))

    def say(self, service: str, body: LogMessage) -> None:
        """A message of a service."""
        self._log.append(sign_for_log(body, self._keys[service]))

    def live(self, *, months: int, programmes: int) -> None:
        """So many months of so many programmes, each with a unit of its own."""
        rules = [_rule(number) for number in range(programmes)]
        for rule in rules:
            self.say("office", _published(rule))
        keysets: list[tuple[Unit, PublicKeyset]] = []
        for month in range(months):
            start = date(2026 + (month + 1) // 12, (month + 1) % 12 + 1, 1)
            self._clock.set(datetime(start.year, start.month, 9, 12, tzinfo=UTC))
            period = f"{start:%Y-%m}"
            for rule in rules:
                self._decide(rule, period)
                keysets.append((rule.unit, self._announce(rule.unit, period)))
            self._clock.set(datetime(start.year, start.month, 28, 12, tzinfo=UTC) + timedelta(days=1))
            self._figures(period, rules, keysets)

    def _decide(self, rule: RuleFile, period: str) -> None:
        root = hashlib.sha256(f"{rule.programme} {period}".encode()).hexdigest()
        batch = DecisionsMade(
            programme=rule.programme,
            cycle=period,
            rule_hash=rule.rule_hash,
            as_of=f"{period}-09",
            root=root,
            households=20_000,
            eligible=15_000,
            total=TOTAL,
            unit=rule.unit,
        )
        self.say("office", batch)
        self.say(
            "office",
            AidApproved(programme=rule.programme, cycle=period, root=root, total=TOTAL, unit=rule.unit, approvals=2),
        )

    def _announce(self, unit: Unit, period: str) -> PublicKeyset:
        keyset = self._signer.make_keyset(unit, period, None)
        self.say("mint", KeysetAnnounced(keyset=KeysetId(keyset.id), unit=unit, keys=keyset.keys))
        return keyset

    def _figures(self, period: str, rules: list[RuleFile], keysets: list[tuple[Unit, PublicKeyset]]) -> None:
        """The mint speaks of every keyset it ever had; so the log grows with the square of the months."""
        for unit, keyset in keysets:
            self.say(
                "mint",
                MintFigures(
                    period=period,
                    keyset=KeysetId(keyset.id),
                    unit=unit,
                    issued=TOTAL,
                    moved=0,
                    redeemed=REDEEMED,
                    outstanding=TOTAL - REDEEMED,
                    expired=0,
                ),
            )
        for rule in rules:
            deposited = REDEEMED * sum(unit == rule.unit for unit, _ in keysets)
            self.say(
                "shops",
                SettlementFigures(
                    period=period, unit=rule.unit, shops=20, deposited=deposited, settled=deposited, payable=0
                ),
            )

    def close(self) -> None:
        """Finish."""
        self._database.close()


def _rule(number: int) -> RuleFile:
    """The starter rule under another name and in another unit."""
    source = starter("food-basket").replace("programme: food-basket", f"programme: food-{number}", 1)
    return read_rule(source.replace("unit: usd", f"unit: usd-{number}", 1))


def _published(rule: RuleFile) -> RulePublished:
    return RulePublished(
        programme=rule.programme,
        version=rule.text.version,
        rule_hash=rule.rule_hash,
        notice_days=rule.notice_days,
        file=rule.source,
    )
