"""Access tokens (NUT-22): which requests ask for them and for a log-in, as the settings say; and the websocket."""

import msgspec
import pytest
from packages.mint.tests.conftest import FOOD, Town
from packages.mint.tests.test_auth import AccessWallet, guarded, refused, spent
from packages.mint.tests.test_clear_auth import CLIENT, DISCOVERY, LogIn
from starlette.testclient import WebSocketDenialResponse

from amparo_cashu.nut22_auth import UNIT
from amparo_cashu.wire import Endpoint
from amparo_common.money import Unit
from amparo_mint.blind_auth import USUALLY_PROTECTED, BlindAuthSettings, open_access
from amparo_mint.clear_auth import ClearAuthSettings
from amparo_mint.errors import BadConfiguration
from amparo_mint.signing import SigningDesk
from amparo_mint.sockets import SocketSettings


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> LogIn:
    """A log-in service."""
    return LogIn(tmp_path_factory.mktemp("login"))


# --- which requests ----------------------------------------------------------------------------------------------------


def test_staff_and_shops_log_in_where_the_settings_say_so(town: Town, login: LogIn) -> None:
    settings = login.settings(Endpoint("POST", "/v1/melt/*"))
    with guarded(town, login, clear=settings):
        nuts = town.http.get("/v1/info").json()["nuts"]
        assert nuts["21"] == {
            "openid_discovery": DISCOVERY,
            "client_id": CLIENT,
            "protected_endpoints": [
                {"method": "POST", "path": "/v1/melt/*"},
                {"method": "POST", "path": "/v1/auth/blind/mint"},
            ],
        }
        body = {"request": "5" * 32, "unit": FOOD, "amount": 2}
        refused(town.http.post("/v1/melt/quote/settle", json=body), 30001)
        refused(town.http.post("/v1/melt/quote/settle", json=body, headers={"Clear-auth": "a.b.c"}), 30002)
        pay = {"Clear-auth": login.token()}
        assert town.http.post("/v1/melt/quote/settle", json=body, headers=pay).status_code == 200


@pytest.mark.parametrize(
    ("clear", "blind"),
    [
        ([], [("POST", "/v1/swop")]),
        ([], [("GET", "/v1/swap")]),
        ([], [("POST", "/v1/*")]),
        ([], [("GET", "/v1/*")]),
        ([], [("GET", "/v1/info")]),
        ([], [("POST", "/v1/auth/blind/mint")]),
        ([], [("GET", "/v1/auth/*")]),
        ([], [("POST", "/operate/figures")]),
        ([], [("POST", "/*")]),
        ([], [("POST", "/v1/.*/swap")]),
        ([], [("post", "/v1/swap")]),
        ([("POST", "/v1/swap")], [("POST", "/v1/sw*")]),
        ([("GET", "/v1/ws")], [("GET", "/v1/ws")]),
        ([("GET", "/v1/info")], []),
        ([("GET", "/v1/auth/blind/keys")], []),
        ([("POST", "/v1/melt/settel")], []),
    ],
    ids=str,
)
def test_a_slip_in_the_list_stops_the_mint(
    sqlite_town: Town, login: LogIn, clear: list[tuple[str, str]], blind: list[tuple[str, str]]
) -> None:
    settings = BlindAuthSettings(protected_endpoints=tuple(Endpoint(*each) for each in blind))
    with (
        pytest.raises(BadConfiguration),
        guarded(sqlite_town, login, blind=settings, clear=login.settings(*(Endpoint(*each) for each in clear))),
    ):
        pytest.fail("It started.")


def test_the_specifications_own_example_may_be_copied(sqlite_town: Town, login: LogIn) -> None:
    asking = Endpoint("POST", "/v1/auth/blind/mint")
    with guarded(sqlite_town, login, clear=login.settings(asking)) as keyset:
        found = sqlite_town.http.get("/v1/info").json()["nuts"]["21"]["protected_endpoints"]
        assert found == [msgspec.to_builtins(asking)]
        wallet = AccessWallet(sqlite_town, keyset, login)
        refused(wallet.ask(wallet.blanks(keyset, [1]), ""), 30001)
        assert len(wallet.access()) == 1


@pytest.mark.parametrize("most", [0, 101])
def test_access_tokens_need_a_log_in_and_a_sound_number(sqlite_town: Town, login: LogIn, most: int) -> None:
    def opened(clear: ClearAuthSettings | None, blind: BlindAuthSettings) -> object:
        return open_access(
            clear,
            blind,
            login.file.parent,
            store=sqlite_town.store,
            desk=SigningDesk(sqlite_town.signer),
            hasher=sqlite_town.hasher,
            commit=sqlite_town.mint.commit,
            clock=sqlite_town.clock,
        )

    with pytest.raises(BadConfiguration):
        opened(None, BlindAuthSettings())
    with pytest.raises(BadConfiguration):
        opened(login.settings(), BlindAuthSettings(bat_max_mint=most))


def test_a_mint_whose_access_tokens_nobody_can_get_says_so(
    sqlite_town: Town, login: LogIn, caplog: pytest.LogCaptureFixture
) -> None:
    access = open_access(
        login.settings(),
        BlindAuthSettings(),
        login.file.parent,
        store=sqlite_town.store,
        desk=SigningDesk(sqlite_town.signer),
        hasher=sqlite_town.hasher,
        commit=sqlite_town.mint.commit,
        clock=sqlite_town.clock,
    )
    sqlite_town.new_keyset("2026-11", unit=FOOD)
    access.use(sqlite_town.run(sqlite_town.operation.catalogue))
    access.warn()
    assert "no keyset of the unit auth signs" in caplog.text
    caplog.clear()
    sqlite_town.new_keyset("2026-11", unit=Unit(UNIT))
    access.use(sqlite_town.run(sqlite_town.operation.catalogue))
    access.warn()
    assert caplog.text == ""


# --- the websocket -------------------------------------------------------------------------------------------------------


def test_a_websocket_costs_one_access_token_where_it_is_listed(town: Town, login: LogIn) -> None:
    listed = BlindAuthSettings(protected_endpoints=(*USUALLY_PROTECTED, Endpoint("GET", "/v1/ws")))
    with guarded(town, login, blind=listed, sockets=SocketSettings()) as keyset:
        wallet = AccessWallet(town, keyset, login)
        with pytest.raises(WebSocketDenialResponse) as denied, town.http.websocket_connect("/v1/ws"):
            pytest.fail("It was taken.")
        refused(denied.value, 31001)
        (token,) = wallet.access()
        with town.http.websocket_connect("/v1/ws", headers={"Blind-auth": token}) as socket:
            point = "02" + "11" * 32
            asked = {"kind": "proof_state", "subId": "mine", "filters": [point]}
            socket.send_json({"jsonrpc": "2.0", "id": 0, "method": "subscribe", "params": asked})
            assert socket.receive_json()["result"] == {"subId": "mine", "status": "OK"}
            assert socket.receive_json()["params"]["payload"]["state"] == "UNSPENT"
        assert spent(town) == 1
        with (
            pytest.raises(WebSocketDenialResponse) as denied,
            town.http.websocket_connect("/v1/ws", headers={"Blind-auth": token}),
        ):
            pytest.fail("It was taken.")
        refused(denied.value, 31002)
