"""Access tokens (NUT-22): who gets them, what a request costs, and that they are money nowhere and name nobody."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from packages.mint.tests.conftest import FOOD, NOON, Blank, Town, Wallet
from packages.mint.tests.test_clear_auth import CLIENT, NOW, LogIn
from starlette.testclient import TestClient

from amparo_cashu.errors import BlindAuthFalse
from amparo_cashu.nut02_keyset import check_keyset
from amparo_cashu.nut22_auth import auth_of, write_auth
from amparo_cashu.wire import Keyset, Proof
from amparo_common.money import Unit
from amparo_common.signing import b64url
from amparo_mint.asgi import Reply, Request
from amparo_mint.blind_auth import USUALLY_PROTECTED, Access, BlindAuthSettings, open_access
from amparo_mint.clear_auth import ClearAuthSettings
from amparo_mint.errors import MintBusy
from amparo_mint.http import MintServer
from amparo_mint.model import Change, Done, KeysetRow
from amparo_mint.signing import SigningDesk
from amparo_mint.sockets import SocketSettings

AUTH = Unit("auth")


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> LogIn:
    """A log-in service."""
    return LogIn(tmp_path_factory.mktemp("login"))


# --- a mint with access tokens -----------------------------------------------------------------------------------


class AccessWallet(Wallet):
    """A wallet that gets access tokens, and shows one with every request when it is told to."""

    def __init__(self, town: Town, keyset: str, login: LogIn) -> None:
        super().__init__(town)
        self.keyset = keyset
        self.login = login

    def keys(self, keyset: str) -> dict[int, str]:
        """The public keys, of access tokens or of money."""
        if keyset != self.keyset:
            return super().keys(keyset)
        (found,) = self.town.http.get(f"/v1/auth/blind/keys/{keyset}").json()["keysets"]
        return {int(amount): key for amount, key in found["keys"].items()}

    def ask(self, blanks: Sequence[Blank], token: str | None = None) -> Any:
        """Ask for access tokens."""
        headers = {"Clear-auth": self.login.token() if token is None else token}
        body = msgspec.json.encode({"outputs": [blank.output for blank in blanks]})
        return self.town.http.post("/v1/auth/blind/mint", content=body, headers=headers)

    def access(self, count: int = 1) -> list[str]:
        """Fresh access tokens, proved and ready for the header."""
        return [write_auth(auth_of(proof)) for proof in self.access_proofs(count)]

    def access_proofs(self, count: int = 1) -> list[Proof]:
        """The same as tokens."""
        blanks = self.blanks(self.keyset, [1] * count)
        response = self.ask(blanks)
        assert response.status_code == 200, response.text
        return self.finish(response.content, blanks)


def access_of(
    town: Town,
    login: LogIn,
    *,
    blind: BlindAuthSettings | None = None,
    clear: ClearAuthSettings | None = None,
    commit: Callable[[Change], Any] | None = None,
) -> Access:
    """What a mint with these settings asks of requests."""
    return open_access(
        clear or login.settings(),
        blind or BlindAuthSettings(),
        login.file.parent,
        store=town.store,
        desk=SigningDesk(town.signer),
        hasher=town.hasher,
        commit=commit or town.mint.commit,
        clock=town.clock,
    )


def guarded(
    town: Town,
    login: LogIn,
    *,
    blind: BlindAuthSettings | None = None,
    clear: ClearAuthSettings | None = None,
    sockets: SocketSettings | None = None,
    commit: Callable[[Change], Any] | None = None,
) -> contextlib.AbstractContextManager[str]:
    """The town's mint behind another edge, with access tokens; the id of their keyset."""

    @contextlib.contextmanager
    def opened() -> Iterator[str]:
        plain = town.http
        access = access_of(town, login, blind=blind, clear=clear, commit=commit)
        server = MintServer(
            town.mint,
            town.store,
            town.hasher,
            town.operation,
            clock=town.clock,
            practice=True,
            access=access,
            sockets=sockets,
        )
        town.run(server.use_keysets)
        town.http = TestClient(server.app(), raise_server_exceptions=False)
        town.http.portal = plain.portal
        try:
            yield str(town.new_keyset("2026-11", unit=AUTH))
        finally:
            town.http = plain

    return opened()


@pytest.fixture
def wallet(town: Town, login: LogIn) -> Iterator[AccessWallet]:
    """A wallet in a town whose mint takes access tokens."""
    with guarded(town, login) as keyset:
        yield AccessWallet(town, keyset, login)


@pytest.fixture
def keyset(town: Town, wallet: AccessWallet) -> str:
    """The id of the keyset for food."""
    return str(town.http.get("/v1/keysets").json()["keysets"][0]["id"])


def refused(response: Any, number: int, *, status: int = 400) -> None:
    """The answer is the specification's error with this number."""
    assert (response.status_code, response.json()["code"]) == (status, number), response.text


def receive(town: Town, wallet: AccessWallet, keyset: str, amount: int) -> list[Proof]:
    """Aid of an amount: two requests, two access tokens."""
    quote_token, claim_token = wallet.access(2)
    body = {"unit": FOOD, "amount": amount, "pubkey": wallet.pubkey}
    asked = town.http.post("/v1/mint/quote/benefit", json=body, headers={"Blind-auth": quote_token})
    quote = asked.json()["quote"]
    town.pay(quote, amount)
    blanks = wallet.split(keyset, amount)
    claim = wallet.claim_body(quote, blanks)
    answer = town.http.post("/v1/mint/benefit", content=claim, headers={"Blind-auth": claim_token})
    assert answer.status_code == 200, answer.text
    return wallet.finish(answer.content, blanks)


def spent(town: Town, unit: str = AUTH) -> int:
    """How many tokens of a unit are spent."""
    return sum(tally.spent_rows for tally in town.run(town.store.tallies) if tally.keyset.unit == unit)


def test_a_mint_that_does_not_ask_for_access_tokens_is_as_before(town: Town, login: LogIn) -> None:
    before = town.http.get("/v1/info").json()["nuts"]
    assert not {"17", "21", "22"} & set(before)
    for method, path in (("GET", "/v1/auth/blind/keys"), ("GET", "/v1/auth/blind/keysets"), ("GET", "/v1/ws")):
        assert town.http.request(method, path).status_code == 404
    assert town.http.post("/v1/auth/blind/mint", json={"outputs": []}).status_code == 404
    with guarded(town, login):
        assert set(town.http.get("/v1/info").json()["nuts"]) == {*before, "21", "22"}


def test_the_keyset_of_access_tokens_is_in_the_log_and_has_one_denomination(town: Town, wallet: AccessWallet) -> None:
    (shown,) = town.http.get("/v1/auth/blind/keys").json()["keysets"]
    found = msgspec.convert(shown, Keyset)
    check_keyset(found)
    assert (found.unit, list(found.keys), found.id) == ("auth", ["1"], wallet.keyset)
    logged = town.log.refresh().keyset(wallet.keyset)
    assert logged is not None
    assert (logged.unit, logged.keys) == ("auth", found.keys)
    (listed,) = town.http.get("/v1/auth/blind/keysets").json()["keysets"]
    assert (listed["id"], listed["unit"], listed["active"]) == (wallet.keyset, "auth", True)
    refused(town.http.get("/v1/auth/blind/keys/" + "01" + "0" * 64), 12001)


def test_access_tokens_are_no_money_anywhere(town: Town, login: LogIn, wallet: AccessWallet, keyset: str) -> None:
    assert [each["unit"] for each in town.http.get("/v1/keys").json()["keysets"]] == ["food"]
    assert [each["unit"] for each in town.http.get("/v1/keysets").json()["keysets"]] == ["food"]
    refused(town.http.get(f"/v1/keys/{wallet.keyset}"), 12001)
    nuts = town.http.get("/v1/info").json()["nuts"]
    assert {each["unit"] for number in ("4", "5") for each in nuts[number]["methods"]} == {"food"}
    refused(town.http.get(f"/v1/auth/blind/keys/{keyset}"), 12001)
    proofs, blanks = wallet.access_proofs(2), wallet.blanks(wallet.keyset, [1, 1])
    pay = [{"Blind-auth": token} for token in wallet.access(4)]
    refused(town.http.post("/v1/swap", content=wallet.swap_body(proofs, blanks), headers=pay[0]), 12001)
    food = wallet.blanks(keyset, [2])
    refused(town.http.post("/v1/swap", content=wallet.swap_body(proofs, food), headers=pay[0]), 12001)
    asked = {"unit": AUTH, "amount": 2, "pubkey": wallet.pubkey}
    refused(town.http.post("/v1/mint/quote/benefit", json=asked, headers=pay[0]), 11013)
    deposit = {"request": "5" * 32, "unit": AUTH, "amount": 2}
    assert town.http.post("/v1/melt/quote/settle", json=deposit).json()["error"] == "mint.shop_not_accredited"
    quote = wallet.deposit_quote(2)
    refused(town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, proofs)), 12001)
    restore = msgspec.json.encode({"outputs": [blank.output for blank in blanks]})
    refused(town.http.post("/v1/restore", content=restore, headers=pay[0]), 12001)
    # And money opens nothing.
    (coin,) = receive(town, wallet, keyset, 1)
    token = {"Blind-auth": write_auth(auth_of(coin))}
    refused(town.http.post("/v1/checkstate", json={"Ys": []}, headers=token), 31002)
    # Nothing of all this cost a token: the two spent ones paid for the coin.
    assert spent(town) == 2


def test_a_mint_without_access_tokens_keeps_their_keyset_apart_too(town: Town, login: LogIn) -> None:
    with guarded(town, login) as keyset:
        proofs = AccessWallet(town, keyset, login).access_proofs(2)
    town.reopen()
    assert [each["unit"] for each in town.http.get("/v1/keysets").json()["keysets"]] == ["food"]
    wallet = Wallet(town)
    refused(town.http.post("/v1/swap", content=wallet.swap_body(proofs, wallet.blanks(keyset, [1, 1]))), 12001)


def test_their_figures_stay_out_of_the_audit_but_agree(town: Town, wallet: AccessWallet) -> None:
    (token,) = wallet.access()
    assert town.http.post("/v1/checkstate", json={"Ys": []}, headers={"Blind-auth": token}).status_code == 200
    assert town.operate("/operate/figures", {"period": "2026-11"}) == {"published": 1}
    assert {body.unit for _, body in town.log.refresh().mint_figures} == {"food"}

    def row() -> KeysetRow:
        (found,) = [each.keyset for each in town.run(town.store.tallies) if each.keyset.unit == AUTH and each.agrees]
        return found

    assert row().outstanding == 0
    wallet.access(3)
    assert row().outstanding == 3


# --- asking for access tokens --------------------------------------------------------------------------------------


def test_access_tokens_are_given_to_whoever_logged_in(town: Town, wallet: AccessWallet) -> None:
    blanks = wallet.blanks(wallet.keyset, [1, 1])
    refused(wallet.ask(blanks, ""), 30001)
    refused(wallet.ask(blanks, wallet.login.token(exp=NOW)), 30002)
    first = wallet.ask(blanks)
    assert len(wallet.finish(first.content, blanks)) == 2


def test_a_repeated_request_gets_the_same_access_tokens_and_counts_once(town: Town, login: LogIn) -> None:
    with guarded(town, login, blind=BlindAuthSettings(most_a_day=3)) as keyset:
        wallet = AccessWallet(town, keyset, login)
        blanks = wallet.blanks(keyset, [1])
        first = wallet.ask(blanks)
        for _ in range(3):
            assert wallet.ask(blanks).content == first.content
        blanks = wallet.blanks(keyset, [1, 1])
        first = wallet.ask(blanks)
        assert first.status_code == 200
        # Nothing is left for today, and still a lost answer is given again.
        for _ in range(2):
            assert wallet.ask(blanks, login.token(exp=NOW + 60)).content == first.content
        refused(wallet.ask(wallet.blanks(keyset, [1])), 31004)
        # Another subject is another count, and tomorrow is another day.
        assert wallet.ask(wallet.blanks(keyset, [1, 1, 1]), login.token(sub="Juan")).status_code == 200
        town.clock.set(NOON + timedelta(days=1))
        assert wallet.ask(wallet.blanks(keyset, [1, 1, 1]), login.token(exp=NOW + 10**6)).status_code == 200


def test_a_refused_request_is_not_counted(town: Town, login: LogIn) -> None:
    with guarded(town, login, blind=BlindAuthSettings(most_a_day=2)) as keyset:
        wallet = AccessWallet(town, keyset, login)
        signed = wallet.blanks(keyset, [1])
        assert wallet.ask(signed).status_code == 200
        refused(wallet.ask([*signed, *wallet.blanks(keyset, [1])]), 31004)
        town.clock.set(NOON + timedelta(days=1))
        fresh = wallet.blanks(keyset, [1])
        token = login.token(exp=NOW + 10**6)
        refused(wallet.ask([*signed, *fresh], token), 11003)
        assert wallet.ask(wallet.blanks(keyset, [1, 1]), token).status_code == 200


def test_the_number_at_once_is_bounded_and_published(town: Town, login: LogIn) -> None:
    with guarded(town, login, blind=BlindAuthSettings(bat_max_mint=3)) as keyset:
        wallet = AccessWallet(town, keyset, login)
        assert town.http.get("/v1/info").json()["nuts"]["22"]["bat_max_mint"] == 3
        refused(wallet.ask(wallet.blanks(keyset, [1] * 4)), 31003)
        assert len(wallet.access(3)) == 3
        refused(wallet.ask([]), 11015)


def test_access_tokens_are_signed_with_their_own_keyset_only(town: Town, wallet: AccessWallet, keyset: str) -> None:
    refused(wallet.ask(wallet.blanks(keyset, [1])), 12001)
    refused(wallet.ask(wallet.blanks(wallet.keyset, [2])), 11006)
    assert town.figures()[keyset] == (0, 0, 0, 0)


# --- paying with them ------------------------------------------------------------------------------------------------


def test_every_listed_request_costs_one_access_token(town: Town, wallet: AccessWallet, keyset: str) -> None:
    proofs = receive(town, wallet, keyset, 8)
    blanks = wallet.split(keyset, 8)
    requests: list[tuple[str, str, bytes]] = [
        ("POST", "/v1/swap", wallet.swap_body(proofs, blanks)),
        ("POST", "/v1/mint/quote/benefit", msgspec.json.encode({"unit": FOOD, "amount": 8, "pubkey": wallet.pubkey})),
        ("POST", "/v1/checkstate", b'{"Ys":[]}'),
        ("POST", "/v1/restore", msgspec.json.encode({"outputs": [blank.output for blank in blanks]})),
    ]
    listed = town.http.get("/v1/info").json()["nuts"]["22"]["protected_endpoints"]
    assert listed == msgspec.to_builtins(list(USUALLY_PROTECTED))
    for method, path, body in requests:
        before = spent(town)
        refused(town.http.request(method, path, content=body), 31001)
        refused(town.http.request(method, path, content=body, headers={"Blind-auth": "authB00"}), 31002)
        assert spent(town) == before
        (token,) = wallet.access()
        answer = town.http.request(method, path, content=body, headers={"Blind-auth": token})
        assert answer.status_code == 200, answer.text
        assert spent(town) == before + 1
        refused(town.http.request(method, path, content=body, headers={"Blind-auth": token}), 31002)
    for path in ("/v1/info", "/v1/keys", "/v1/keysets", "/v1/auth/blind/keys", "/health"):
        assert town.http.get(path).status_code == 200
    assert town.http.options("/v1/swap").is_success


def test_a_refused_request_costs_nothing(town: Town, wallet: AccessWallet, keyset: str) -> None:
    proofs = receive(town, wallet, keyset, 8)
    before = spent(town)
    (token,) = wallet.access()
    pay = {"Blind-auth": token}
    refused(town.http.post("/v1/swap", content=wallet.swap_body(proofs, wallet.split(keyset, 4)), headers=pay), 11005)
    refused(town.http.post("/v1/swap", content=b"{", headers=pay), 10000)
    refused(town.http.get("/v1/mint/quote/benefit/" + "0" * 32, headers=pay), 10000)
    assert spent(town) == before
    assert len(wallet_swap(town, wallet, proofs, keyset, pay)) == 1
    assert spent(town) == before + 1


def wallet_swap(
    town: Town, wallet: AccessWallet, proofs: Sequence[Proof], keyset: str, pay: dict[str, str]
) -> list[Proof]:
    """Exchange tokens, paying."""
    blanks = wallet.split(keyset, sum(proof.amount for proof in proofs))
    answer = town.http.post("/v1/swap", content=wallet.swap_body(proofs, blanks), headers=pay)
    assert answer.status_code == 200, answer.text
    return wallet.finish(answer.content, blanks)


def test_a_repeated_request_is_answered_for_a_fresh_access_token(town: Town, wallet: AccessWallet, keyset: str) -> None:
    proofs = receive(town, wallet, keyset, 8)
    body = wallet.swap_body(proofs, wallet.split(keyset, 8))
    first, second = ({"Blind-auth": token} for token in wallet.access(2))
    answer = town.http.post("/v1/swap", content=body, headers=first)
    refused(town.http.post("/v1/swap", content=body, headers=first), 31002)
    assert town.http.post("/v1/swap", content=body, headers=second).content == answer.content
    refused(town.http.post("/v1/swap", content=body, headers=second), 31002)


def test_a_spent_access_token_has_no_work_done(town: Town, wallet: AccessWallet, keyset: str) -> None:
    proofs = receive(town, wallet, keyset, 8)
    used, fresh = ({"Blind-auth": token} for token in wallet.access(2))
    assert town.http.post("/v1/checkstate", json={"Ys": []}, headers=used).status_code == 200
    body = wallet.swap_body(proofs, wallet.split(keyset, 8))
    refused(town.http.post("/v1/swap", content=body, headers=used), 31002)
    assert town.figures()[keyset] == (8, 0, 0, 8)
    assert spent(town, FOOD) == 0
    assert town.http.post("/v1/swap", content=body, headers=fresh).status_code == 200
    assert spent(town, FOOD) == 1


def test_an_access_token_that_could_name_its_owner_is_refused(town: Town, wallet: AccessWallet) -> None:
    (proof,) = wallet.access_proofs()
    told = "authA" + b64url(msgspec.json.encode(auth_of(proof)))
    assert proof.dleq is not None
    refused(town.http.post("/v1/checkstate", json={"Ys": []}, headers={"Blind-auth": told}), 31002)
    # Without it the same token is good: nothing was spent.
    fine = {"Blind-auth": write_auth(auth_of(proof))}
    assert town.http.post("/v1/checkstate", json={"Ys": []}, headers=fine).status_code == 200


def test_an_access_token_of_another_mint_or_another_secret_is_refused(town: Town, wallet: AccessWallet) -> None:
    one, other = (auth_of(proof) for proof in wallet.access_proofs(2))
    mixed = msgspec.structs.replace(one, C=other.C)
    renamed = msgspec.structs.replace(one, secret=one.secret + "0")
    foreign = msgspec.structs.replace(one, id="01" + "0" * 64)
    for false in (mixed, renamed, foreign):
        pay = {"Blind-auth": write_auth(false)}
        refused(town.http.post("/v1/checkstate", json={"Ys": []}, headers=pay), 31002)
    assert spent(town) == 0


def test_an_access_token_ends_with_its_keyset(town: Town, login: LogIn) -> None:
    with guarded(town, login):
        end = NOW + 3600
        keyset = town.new_keyset("2026-12", unit=AUTH, final_expiry=end)
        wallet = AccessWallet(town, keyset, login)
        (token,) = wallet.access()
        town.clock.set(NOON + timedelta(days=200))
        refused(town.http.post("/v1/checkstate", json={"Ys": []}, headers={"Blind-auth": token}), 31002)
        refused(wallet.ask(wallet.blanks(keyset, [1]), login.token(exp=NOW + 10**8)), 12002)


def test_one_access_token_does_not_serve_two_requests_at_once(town: Town, login: LogIn) -> None:
    access = access_of(town, login)
    with guarded(town, login) as keyset:
        (token,) = AccessWallet(town, keyset, login).access()
    request = Request("POST", "/v1/swap", "", [(b"blind-auth", token.encode())], b"")

    async def scenario() -> None:
        access.use(await town.operation.catalogue())
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def slow(_request: Request) -> Reply:
            begun.set()
            await may_end.wait()
            return Reply(b"{}")

        async def never(_request: Request) -> Reply:
            pytest.fail("It was served.")

        first = asyncio.ensure_future(access.behind(slow)(request))
        await begun.wait()
        with pytest.raises(BlindAuthFalse):
            await access.behind(never)(request)
        may_end.set()
        assert (await first).status == 200
        with pytest.raises(BlindAuthFalse):
            await access.behind(never)(request)

    town.run(scenario)
    assert spent(town) == 1


def test_a_request_that_failed_leaves_its_access_token_free(town: Town, login: LogIn) -> None:
    access = access_of(town, login)
    with guarded(town, login) as keyset:
        (token,) = AccessWallet(town, keyset, login).access()
    request = Request("POST", "/v1/swap", "", [(b"blind-auth", token.encode())], b"")

    async def scenario() -> None:
        access.use(await town.operation.catalogue())

        async def breaks(_request: Request) -> Reply:
            raise MintBusy("Too much.")

        async def refuses(_request: Request) -> Reply:
            return Reply(b"{}", 503)

        async def waits(_request: Request) -> Reply:
            await asyncio.Event().wait()
            return Reply(b"{}")

        async def answers(_request: Request) -> Reply:
            return Reply(b"{}")

        with pytest.raises(MintBusy):
            await access.behind(breaks)(request)
        assert (await access.behind(refuses)(request)).status == 503
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await access.behind(waits)(request)
        assert (await access.behind(answers)(request)).status == 200

    town.run(scenario)
    assert spent(town) == 1


def test_many_requests_with_one_access_token_are_one_request(town: Town, wallet: AccessWallet) -> None:
    (token,) = wallet.access()
    body = {"unit": FOOD, "amount": 8, "pubkey": wallet.pubkey}

    def ask(_: int) -> int:
        pay = {"Blind-auth": token}
        return int(town.http.post("/v1/mint/quote/benefit", json=body, headers=pay).status_code)

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(ask, range(8))) == [200] + [400] * 7
    assert spent(town) == 1


def test_between_processes_the_commit_is_the_last_word(town: Town, login: LogIn) -> None:
    """Another mint process on the same database spends the token while this one answers the same swap: the swap is done, its
    answer waits for a fresh token."""
    quick: list[Change] = []

    async def late(change: Change) -> Done:
        if change.spend and not change.issue and not quick:
            quick.append(change)
            await town.mint.commit(change)
        return await town.mint.commit(change)

    with guarded(town, login, commit=late) as auth_keyset:
        wallet = AccessWallet(town, auth_keyset, login)
        keyset = str(town.http.get("/v1/keysets").json()["keysets"][0]["id"])
        quick.append(Change())
        proofs = receive(town, wallet, keyset, 8)
        quick.clear()
        body = wallet.swap_body(proofs, wallet.split(keyset, 8))
        first, second = ({"Blind-auth": token} for token in wallet.access(2))
        refused(town.http.post("/v1/swap", content=body, headers=first), 31002)
        assert len(quick) == 1
        answer = town.http.post("/v1/swap", content=body, headers=second)
        assert answer.status_code == 200
        refused(town.http.post("/v1/swap", content=body, headers=first), 31002)


def test_a_spent_access_token_stays_spent_after_a_restart(town: Town, login: LogIn) -> None:
    with guarded(town, login) as keyset:
        used, fresh = ({"Blind-auth": token} for token in AccessWallet(town, keyset, login).access(2))
        assert town.http.post("/v1/checkstate", json={"Ys": []}, headers=used).status_code == 200
    town.reopen()
    with guarded(town, login) as keyset:
        refused(town.http.post("/v1/checkstate", json={"Ys": []}, headers=used), 31002)
        assert town.http.post("/v1/checkstate", json={"Ys": []}, headers=fresh).status_code == 200


def test_nothing_of_a_log_in_is_kept(sqlite_town: Town, login: LogIn, caplog: pytest.LogCaptureFixture) -> None:
    with guarded(sqlite_town, login) as keyset:
        wallet = AccessWallet(sqlite_town, keyset, login)
        wallet.access(2)
        refused(wallet.ask(wallet.blanks(keyset, [1]), login.token(exp=NOW)), 30002)
    sqlite_town.close_roughly()
    written = b"".join(path.read_bytes() for path in sqlite_town.folder.rglob("*") if path.is_file())
    for trace in ("María", "Mar\u00eda", "login.example", CLIENT):
        assert trace.encode() not in written
        assert trace not in caplog.text
    sqlite_town.open()
