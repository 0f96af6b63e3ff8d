"""The four calls, the same in this process and over the socket."""

import asyncio
import secrets

import msgspec
import pytest
from packages.signer.tests.conftest import issue, output, run

from amparo_cashu.curve import hash_to_curve, point_of, read_point
from amparo_cashu.nut02_keyset import check_keyset
from amparo_cashu.nut12_dleq import check_signature
from amparo_cashu.wire import Dleq, Keyset
from amparo_signer.errors import FrameTooLarge, KeysetNotHere, KeysetRefused, KeysetRetired
from amparo_signer.protocol import Exchanged, ExchangeJob, Signer, ToSign, ToVerify
from amparo_signer.service import MAX_ITEMS


def test_a_keyset_is_made_once_and_its_id_commits_to_its_keys(signer: Signer) -> None:
    async def story() -> None:
        assert await signer.keysets() == []
        made = await signer.make_keyset("KES", "2026-11", 1_800_000_000)
        assert await signer.make_keyset("KES", "2026-11", 1_800_000_000) == made
        other = await signer.make_keyset("KES", "2026-11", None)
        assert other.id != made.id
        assert await signer.keysets() == sorted([made, other], key=lambda each: each.id)
        assert (made.unit, made.period, made.final_expiry) == ("KES", "2026-11", 1_800_000_000)
        for each in (made, other):
            check_keyset(Keyset(id=each.id, unit=each.unit, keys=each.keys, final_expiry=each.final_expiry))
        with pytest.raises(KeysetRefused):
            await signer.make_keyset("", "2026-11", None)

    run(story())


def test_a_token_is_issued_spent_and_its_new_signatures_are_proved(signer: Signer) -> None:
    async def story() -> None:
        keyset = await signer.make_keyset("KES", "2026-11", None)
        token = await issue(signer, keyset, 8, "bread")
        outputs = [output(4), output(4)]
        (answer,) = await signer.exchange([keyset.id], [ExchangeJob([token.spend()], outputs)])
        assert answer.refused == ""
        assert answer.points == [hash_to_curve(b"bread").format()]
        for asked, made in zip(outputs, answer.signatures, strict=True):
            dleq = Dleq(e=made[33:65].hex(), s=made[65:].hex())
            key = read_point(keyset.keys["4"])
            check_signature(dleq, key=key, blinded=point_of(asked.blinded), signed=point_of(made[:33]))
        # Asked again it answers the same: that is what makes a repeated call safe.
        assert await signer.exchange([keyset.id], [ExchangeJob([token.spend()], outputs)]) == [answer]

    run(story())


def test_every_job_gets_its_own_answer_in_order(signer: Signer) -> None:
    async def story() -> None:
        one, two = [await signer.make_keyset("KES", period, None) for period in ("1", "2")]
        tokens = {name: await issue(signer, one, 2, name) for name in ("a", "b", "c")}
        later = await issue(signer, two, 2, "d")
        good, bad_point = output(2), ToSign(0, 2, bytes(33))
        forged = ToVerify(0, 2, b"forged", tokens["a"].signature)
        jobs = [
            ExchangeJob([tokens["a"].spend(), later.spend(1)], [output(2), output(2, 1)]),
            ExchangeJob([forged], [good]),
            ExchangeJob([tokens["b"].spend(), forged], [good]),
            ExchangeJob([tokens["b"].spend()], [good, bad_point]),
            ExchangeJob([tokens["b"].spend(2)], [good]),
            ExchangeJob([tokens["b"].spend(-1)], [good]),
            ExchangeJob([], [ToSign(7, 2, good.blinded)]),
            ExchangeJob([ToVerify(0, 3, b"b", tokens["b"].signature)], [good]),
            ExchangeJob([], [ToSign(0, -2, good.blinded)]),
            ExchangeJob([tokens["b"].spend(1)], [good]),
            ExchangeJob([], []),
            ExchangeJob([tokens["b"].spend(), tokens["c"].spend()], []),
            ExchangeJob([], [good, good]),
        ]
        answers = await signer.exchange([one.id, two.id, "01" + "00" * 32], jobs)
        assert [(each.refused, len(each.points), len(each.signatures)) for each in answers] == [
            ("", 2, 2),
            ("proof_false", 0, 0),
            ("proof_false", 0, 0),
            ("bad_point", 0, 0),
            ("keyset_unknown", 0, 0),
            ("keyset_unknown", 0, 0),
            ("keyset_unknown", 0, 0),
            ("amount_unknown", 0, 0),
            ("amount_unknown", 0, 0),
            ("proof_false", 0, 0),
            ("", 0, 0),
            ("", 2, 0),
            ("", 0, 2),
        ]
        assert answers[0].points == [hash_to_curve(each).format() for each in (b"a", b"d")]
        assert answers[11].points == [hash_to_curve(each).format() for each in (b"b", b"c")]
        assert answers[12].signatures[0] == answers[12].signatures[1]
        # In any company a job gets the answer that it gets alone.
        for job, answer in zip(jobs, answers, strict=True):
            assert await signer.exchange([one.id, two.id, "no keyset"], [job]) == [answer]
        assert await signer.exchange([], []) == []

    run(story())


def test_secrets_may_be_empty_long_or_of_any_letters(signer: Signer) -> None:
    async def story() -> None:
        keyset = await signer.make_keyset("KES", "1", None)
        for secret in ("", "a" * 1_024, "صرف\U0001f35e\u0000", secrets.token_hex(32)):
            token = await issue(signer, keyset, 1, secret)
            (answer,) = await signer.exchange([keyset.id], [ExchangeJob([token.spend()], [])])
            assert answer == Exchanged([hash_to_curve(secret.encode()).format()], [])

    run(story())


def test_a_call_with_too_many_jobs_is_refused_in_words(signer: Signer) -> None:
    async def story() -> None:
        keyset = await signer.make_keyset("auth", "1", None)
        with pytest.raises(FrameTooLarge):
            await signer.exchange([keyset.id], [ExchangeJob([], [])] * (MAX_ITEMS + 1))
        with pytest.raises(FrameTooLarge):
            await signer.exchange([keyset.id], [ExchangeJob([], [output(1)] * MAX_ITEMS)])
        assert len(await signer.exchange([keyset.id], [ExchangeJob([], [])] * MAX_ITEMS)) == MAX_ITEMS

    run(story())


def test_the_keys_of_a_retired_keyset_are_gone_and_those_of_others_are_not(signer: Signer) -> None:
    async def story() -> None:
        old, kept = [await signer.make_keyset("KES", period, None) for period in ("old", "kept")]
        token = await issue(signer, old, 1, "late")
        for _ in range(2):
            await signer.retire(old.id)
        assert await signer.keysets() == [kept]
        jobs = [ExchangeJob([token.spend()], []), ExchangeJob([], [output(1, 1)])]
        spent, issued = await signer.exchange([old.id, kept.id], jobs)
        assert (spent.refused, issued.refused) == ("keyset_unknown", "")
        with pytest.raises(KeysetRetired):
            await signer.make_keyset("KES", "old", None)
        with pytest.raises(KeysetNotHere):
            await signer.retire("01" + "00" * 32)

    run(story())


def test_many_calls_at_once_get_their_own_answers(signer: Signer) -> None:
    async def story() -> None:
        keyset = await signer.make_keyset("KES", "1", None)
        tokens = [await issue(signer, keyset, 1, str(number)) for number in range(4)]
        answers = await asyncio.gather(
            *(signer.exchange([keyset.id], [ExchangeJob([tokens[number % 4].spend()], [])]) for number in range(40)),
            *(signer.make_keyset("KES", "2", None) for _ in range(10)),
        )
        for number, found in enumerate(answers[:40]):
            assert found == [Exchanged([hash_to_curve(str(number % 4).encode()).format()], [])]
        assert len({msgspec.json.encode(each) for each in answers[40:]}) == 1
        assert len(await signer.keysets()) == 2

    run(story())


def test_a_signer_outlives_an_event_loop(signer: Signer) -> None:
    made = run(signer.make_keyset("KES", "1", None))
    assert run(signer.keysets()) == run(signer.keysets()) == [made]
