"""The recovery code: what it gives back, which slips it finds, and in which scripts it can be typed."""

import hashlib
import hmac
import itertools
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages.purse.tests.conftest import Pocket

from amparo_common.secret import Secret
from amparo_purse.errors import CodeFalse, NoRecoveryCode
from amparo_purse.recovery import GROUPS, PREFIX, derived_key, qr_text, read_code, seed_of, write_code

CODE = write_code(Secret(bytes(range(16))))
ARABIC, PERSIAN, BENGALI = "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "০১২৩৪৫৬৭৮৯"


def test_the_form_is_the_published_one_for_ever() -> None:
    """A code on paper must be read by every later version: this one was made by the first."""
    assert CODE == "0000 0051 2335 1009 6063 2425 8064 0507 9559 3958 7315 3610 2957 0949"
    assert read_code(CODE).reveal() == bytes(range(16))
    seed = hmac.new(b"amparo recovery seed 1", bytes(range(16)), hashlib.sha512).digest()
    assert seed_of(read_code(CODE)).reveal() == seed


@given(st.binary(min_size=16, max_size=16))
def test_every_code_gives_its_entropy_back_typed_or_scanned(entropy: bytes) -> None:
    code = write_code(Secret(entropy))
    groups = code.split(" ")
    assert [len(group) for group in groups] == [4] * GROUPS
    for typed in (code, code.replace(" ", ""), "-".join(groups), "\n".join(groups), qr_text(code), f" {code}\n"):
        assert read_code(typed).reveal() == entropy


@pytest.mark.parametrize("digits", [ARABIC, PERSIAN, BENGALI])
def test_digits_of_other_scripts_and_marks_of_direction_are_read(digits: str) -> None:
    typed = CODE.translate(str.maketrans("0123456789", digits)).replace(" ", " \u200f")
    assert read_code(f"\u2067{typed}\u2069").reveal() == bytes(range(16))


def false_group(typed: str) -> str:
    with pytest.raises(CodeFalse) as found:
        read_code(typed)
    return found.value.what


def test_any_one_wrong_digit_is_found_in_its_group() -> None:
    digits = CODE.replace(" ", "")
    for place, digit in itertools.product(range(len(digits)), "0123456789"):
        if digits[place] != digit:
            what = false_group(digits[:place] + digit + digits[place + 1 :])
            assert what == f"Group {place // 4 + 1} of {GROUPS} has a slip."


@given(st.binary(min_size=16, max_size=16))
def test_any_two_neighbours_swapped_are_found(entropy: bytes) -> None:
    digits = write_code(Secret(entropy)).replace(" ", "")
    for place in range(len(digits) - 1):
        if digits[place] != digits[place + 1]:
            swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
            assert "has a slip" in false_group(swapped)


@given(st.binary(min_size=16, max_size=16))
def test_any_two_neighbouring_groups_swapped_are_found(entropy: bytes) -> None:
    groups = write_code(Secret(entropy)).split(" ")
    for place in range(len(groups) - 1):
        if groups[place] != groups[place + 1]:
            swapped = [*groups[:place], groups[place + 1], groups[place], *groups[place + 2 :]]
            assert "has a slip" in false_group(" ".join(swapped))


def test_groups_that_fit_by_themselves_and_come_from_two_papers_are_found() -> None:
    found = 0
    for _ in range(200):
        one, two = (write_code(Secret(secrets.token_bytes(16))).split(" ") for _ in range(2))
        try:
            read_code(" ".join([*one[:7], *two[7:13], one[13]]))
        except CodeFalse:
            found += 1
    assert found >= 190  # three digits of a hash: one in a thousand passes


@pytest.mark.parametrize(
    "typed", ["", "1234", CODE[:-1], CODE + "0", CODE.replace("8", "B"), f"{PREFIX}x", "four " * 14], ids=repr
)
def test_what_is_no_code_is_refused_with_words(typed: str) -> None:
    assert false_group(typed).startswith("The code has")


def test_a_code_of_a_later_version_is_refused_as_such() -> None:
    groups = [f"{place:03d}" for place in range(14)]
    groups[0] = "999"
    with_checks: list[str] = []
    for place, group in enumerate(groups):
        for digit in "0123456789":
            typed = " ".join([*with_checks, group + digit, *["0000"] * (13 - place)])
            if false_group(typed) != f"Group {place + 1} of {GROUPS} has a slip.":
                with_checks.append(group + digit)
                break
    assert false_group(" ".join(with_checks)) == "This code is of a later version."


def test_keys_for_different_purposes_and_seeds_differ_and_come_again() -> None:
    seeds = [seed_of(Secret(bytes([number]) * 16)) for number in range(3)]
    keys = [derived_key(seed, purpose).reveal() for seed in seeds for purpose in ("a", "b", "")]
    assert len(set(keys)) == 9
    assert derived_key(seeds[0], "a").reveal() == keys[0]


# --- a purse and its code ------------------------------------------------------------------------------------------------


def test_a_purse_has_a_code_of_its_own_that_stays_the_same(pocket: Pocket) -> None:
    code = pocket.purse.recovery_code()
    assert code != pocket.named("other").recovery_code()
    pocket.reopen()
    assert pocket.purse.recovery_code() == code


def test_a_code_counts_as_kept_once_it_was_read_back(pocket: Pocket) -> None:
    code = pocket.purse.recovery_code()
    assert not pocket.purse.is_code_tested()
    with pytest.raises(CodeFalse):
        pocket.purse.test_code(pocket.named("other").recovery_code())
    with pytest.raises(CodeFalse):
        pocket.purse.test_code(code[:-1])
    assert not pocket.purse.is_code_tested()
    pocket.purse.test_code(code.replace(" ", ""))
    pocket.reopen()
    assert pocket.purse.is_code_tested()
    assert not pocket.named("other").is_code_tested()


def test_a_purse_from_before_there_were_codes_goes_on_and_says_that_it_has_none(pocket: Pocket) -> None:
    with pocket.database.transaction() as connection:
        for table in ("recovery", "rest", "restoring", "restore_keyset", "restore_chunk"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("INSERT INTO purse (name, seed) VALUES ('old', ?)", (b"\x07" * 64,))
        connection.execute("INSERT INTO coin VALUES ('old', 's', 'food', 'k', 4, 'c', NULL, 'busy', '')")
        connection.execute(
            "INSERT INTO journal VALUES (9, 'old', '/v1/melt/settle', ?, NULL, 'food', ?, '[]', '')",
            (b'{"quote":"x","inputs":[]}', '["s"]'),
        )
    pocket.reopen()
    old = pocket.named("old")
    with pytest.raises(NoRecoveryCode):
        old.recovery_code()
    assert old.recover() == 1
    assert [coin.secret for coin in old.coins("food")] == ["s"]
    pocket.fill(8, purse=old)
    assert old.balance("food") == 12
