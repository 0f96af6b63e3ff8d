"""HTTP answers: a request of any size or shape and an error of any kind are answered in words, with the safe headers."""

import asyncio
import logging

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message

from amparo_common.errors import AmparoError
from amparo_service.errors import BadRequest, BodyTooLarge, NotAllowed
from amparo_service.http import MOST_BODY_BYTES, SAFE_HEADERS, answer, answer_bytes, make_app, read, read_body


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A made-up request."""

    count: int


class Loose(msgspec.Struct, frozen=True):
    """A made-up request that passes over unknown fields."""

    count: int = 0


class HasName(Exception):
    """An unexpected error whose text holds personal data."""


async def take(request: Request) -> Response:
    return answer(await read(request, Asked, limit=1_000))


async def take_any(request: Request) -> Response:
    return answer(len(await read(request, dict[str, object])))


async def take_loose(request: Request) -> Response:
    return answer((await read(request, Loose)).count)


async def take_default(request: Request) -> Response:
    return answer(len(await read_body(request)))


async def refuse(_request: Request) -> Response:
    raise NotAllowed("This is not yours.", todo="Ask at the desk.")


async def break_down(_request: Request) -> Response:
    raise HasName("María Pérez, V-12345678")


async def show(_request: Request) -> Response:
    return answer_bytes(b"<p>", media_type="text/html", headers={"cache-control": "max-age=60"})


ROUTES = [
    Route("/take", take, methods=["POST"]),
    Route("/any", take_any, methods=["POST"]),
    Route("/loose", take_loose, methods=["POST"]),
    Route("/default", take_default, methods=["POST"]),
    Route("/refuse", refuse),
    Route("/break", break_down),
    Route("/show", show),
]


@pytest.fixture
def web() -> TestClient:
    return TestClient(make_app(ROUTES), raise_server_exceptions=False)


def test_a_request_of_the_agreed_shape_is_answered(web: TestClient) -> None:
    response = web.post("/take", content=b'{"count":5}')
    assert (response.status_code, response.json()) == (200, {"count": 5})
    assert response.headers["content-type"] == "application/json"


def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(web: TestClient) -> None:
    assert web.post("/default", content=b"x" * MOST_BODY_BYTES).json() == MOST_BODY_BYTES
    for content in (b"x" * (MOST_BODY_BYTES + 1), iter([b"x" * 1_000] * 300)):
        response = web.post("/default", content=content)
        assert response.status_code == 413
        assert response.json()["code"] == "service.body_too_large"
    assert web.post("/take", content=b'{"count":5}' + b" " * 1_000).status_code == 413


def test_a_body_without_end_is_refused_before_it_is_held() -> None:
    received = 0

    async def receive() -> Message:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(request, limit=1_000))
    assert received == 11


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"count":"5"}',
        b'{"count":true}',
        b'{"count":5,"name":"x"}',
        b"{}",
        b"\xff",
        b'{"co\xffunt":5}',
        b'{"x\xff":5,"count":5}',
        b'{"count":' + b"[" * 900,
        b'{"count":5e999}',
    ],
    ids=lambda content: ascii(content[:24]),
)
def test_a_request_of_another_shape_is_a_bad_request(web: TestClient, content: bytes) -> None:
    response = web.post("/take", content=content)
    assert (response.status_code, response.json()["code"]) == (400, "service.bad_request")
    assert set(response.json()) == {"code", "what", "why", "todo"}


@pytest.mark.parametrize("path", ["/any", "/loose"])
@pytest.mark.parametrize("opening", [b'{"x":', b'{"count":[', b'{"x":' + b"[" * 50], ids=ascii)
def test_a_request_nested_without_end_is_a_bad_request(web: TestClient, path: str, opening: bytes) -> None:
    for levels in (900, 1_000, 1_100, 4_000):
        response = web.post(path, content=opening * levels)
        assert (response.status_code, response.json()["code"]) == (400, "service.bad_request")


def test_a_deliberate_error_is_answered_in_words_with_its_status(web: TestClient) -> None:
    response = web.get("/refuse")
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "code": "service.not_allowed",
        "what": "This is not yours.",
        "why": "This needs a role that the caller did not prove.",
        "todo": "Ask at the desk.",
    }


def test_an_unexpected_error_tells_the_caller_and_the_log_nothing_personal(
    web: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = web.get("/break")
    assert response.status_code == 500
    assert response.json()["code"] == "service.unexpected"
    assert "never a decision about you" in response.json()["why"]
    assert "HasName" in caplog.text
    for text in (response.text, caplog.text, str(response.headers)):
        assert "Pérez" not in text
        assert "12345678" not in text
    assert "HasName" not in response.text
    assert "Traceback" not in response.text


def test_an_unknown_path_and_a_wrong_method_are_answered_as_json(web: TestClient) -> None:
    for response, status in ((web.get("/nowhere"), 404), (web.get("/take"), 405), (web.post("/refuse"), 405)):
        assert response.status_code == status
        assert set(response.json()) == {"code", "what", "why", "todo"}
    assert web.get("/nowhere").json()["code"] == "service.not_found"


def test_a_service_gives_every_error_answer_its_own_form() -> None:
    def in_letters(error: AmparoError) -> Response:
        return answer({"letters": error.code}, status=error.http_status)

    web = TestClient(make_app(ROUTES, show=in_letters), raise_server_exceptions=False)
    expected = {
        "/refuse": (403, "service.not_allowed"),
        "/nowhere": (404, "service.not_found"),
        "/take": (405, "service.not_found"),
        "/break": (500, "service.unexpected"),
    }
    for path, (status, code) in expected.items():
        response = web.get(path)
        assert (response.status_code, response.json()) == (status, {"letters": code})


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/take"), ("GET", "/refuse"), ("GET", "/break"), ("GET", "/nowhere")]
)
def test_every_answer_carries_the_safe_headers(web: TestClient, method: str, path: str) -> None:
    response = web.request(method, path, content=b'{"count":1}' if method == "POST" else None)
    assert {name: response.headers.get(name) for name in SAFE_HEADERS} == SAFE_HEADERS


def test_a_handler_may_let_its_own_answer_be_kept_for_a_while(web: TestClient) -> None:
    response = web.get("/show")
    assert response.headers["cache-control"] == "max-age=60"
    assert response.headers["x-content-type-options"] == "nosniff"


# --- the phone apps ------------------------------------------------------------------------------------------------------


def test_phones_may_use_the_paths_named_for_them_and_no_others() -> None:
    async def hello(_request: Request) -> Response:
        return answer({"hello": True})

    async def refused(_request: Request) -> Response:
        raise BadRequest("No.")

    routes = [Route("/wallet/hello", hello), Route("/wallet/no", refused), Route("/staff", hello)]
    client = TestClient(make_app(routes, phones=("/wallet/",)))
    origin = {"origin": "https://phone.example"}
    assert client.get("/wallet/hello", headers=origin).headers["access-control-allow-origin"] == "*"
    # A refusal too, so that the app can say what happened.
    assert client.get("/wallet/no", headers=origin).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in client.get("/staff", headers=origin).headers
    asked = origin | {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    assert client.options("/wallet/hello", headers=asked).status_code == 200
    assert client.options("/staff", headers=asked).status_code == 405
    assert "access-control-allow-credentials" not in client.get("/wallet/hello", headers=origin).headers
