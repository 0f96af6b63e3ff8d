"""Every cheat of the demo is refused with its own error; a cheat that succeeded would be seen."""

import pytest
from tests.conftest import Town

from amparo.demo.cheats import Cheats, refused
from amparo.errors import NotRefused
from amparo_common.errors import BadKey

EXPECTED = {
    "spend_twice": ["token.already_spent", "till.taken_before", "till.not_locked_to_this_shop"],
    "forge": ["token.proof_false", "token.signature_not_proved"],
    "rogue_keyset": ["token.keyset_not_in_log", "token.keyset_not_in_log"],
    "change_a_fact": ["rules.receipt_signature_false", "rules.not_in_batch"],
    "change_a_rule": ["office.version_already_published"],
    "rewrite_the_log": ["log.rewritten"],
    "raise_an_amount": ["office.not_as_approved", "mint.over_approved_total"],
    "claim_too_much": ["shops.claim_exceeds_deposits"],
    "register_party": ["rules.forbidden_concept"],
}


@pytest.mark.parametrize("cheat", EXPECTED)
def test_a_cheat_is_refused_with_its_own_error(town: Town, cheat: str) -> None:
    found = getattr(Cheats(town.stage), cheat)()
    assert [each.error for each in found] == EXPECTED[cheat]


def test_all_cheats_are_tried(town: Town) -> None:
    assert [attempt.__name__ for attempt in Cheats(town.stage).all()] == list(EXPECTED)


def test_cheating_changes_no_total(town: Town) -> None:
    finance = town.stage.installation.finance()
    before = finance.get("/ledger", dict[str, dict[str, int]])
    for attempt in Cheats(town.stage).all():
        attempt()
    assert finance.get("/ledger", dict[str, dict[str, int]]) == before


def test_a_cheat_that_succeeds_is_seen() -> None:
    with pytest.raises(NotRefused):
        refused("nothing at all", lambda: None, "any.code")


def test_a_cheat_refused_for_another_reason_is_seen() -> None:
    def wrong_reason() -> None:
        raise BadKey("Another reason.")

    with pytest.raises(NotRefused, match="another reason"):
        refused("a cheat", wrong_reason, "token.already_spent")
