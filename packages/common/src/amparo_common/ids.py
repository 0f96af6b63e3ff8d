"""Identifiers that more than one part uses. Random ones hold 128 bits from `secrets` and say nothing about when or for whom."""

import secrets
from typing import NewType

QuoteId = NewType("QuoteId", str)
DepositId = NewType("DepositId", str)
ShopId = NewType("ShopId", str)
KeysetId = NewType("KeysetId", str)


def random_id() -> str:
    """A fresh 128-bit identifier, 32 hex digits. Carries no time and no order (unlike UUIDv1, v6, v7)."""
    return secrets.token_hex(16)
