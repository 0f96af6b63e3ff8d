"""An app over HTTP: its files, from memory, packed beforehand; `/config.json`; `/alive`, which is empty. No cookie, no validator
that could mark a phone (an ETag of its own, a date), no address of anybody else but those the app works with.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from amparo_apps.config import AppConfig
from amparo_apps.files import Built, BuiltFile, content
from amparo_service.http import answer

_FOREVER = "public, max-age=31536000, immutable"
_ANEW = "no-cache"


def policy(config: AppConfig) -> str:
    """The content policy: scripts and sheets from here alone, requests to the named services alone, no page around it."""
    parts = {
        "default-src": "'none'",
        # WebAssembly is for reading codes, where the browser has no reader of its own.
        "script-src": "'self' 'wasm-unsafe-eval'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": " ".join(["'self'", *config.addresses.origins()]),
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "amparo",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def headers(config: AppConfig) -> dict[str, str]:
    """What goes with every file."""
    return {
        "content-security-policy": policy(config),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=(), bluetooth=()",
        "vary": "accept-encoding",
    }


def routes(config: AppConfig, built: Built, *, offset: Callable[[], int] = lambda: 0) -> list[Route]:
    """The addresses of an app. `offset`: by how many seconds the services' clock is ahead of this machine's (in practice)."""
    common = headers(config)

    async def health(_request: Request) -> Response:
        return answer({"service": f"{config.app}-app", "practice": config.addresses.practice})

    async def alive(_request: Request) -> Response:
        return Response(status_code=204, headers=common | {"cache-control": "no-store"})

    async def told(_request: Request) -> Response:
        told = msgspec.structs.replace(config.addresses, clock_offset=offset())
        return Response(
            msgspec.json.encode(told), media_type="application/json", headers=common | {"cache-control": _ANEW}
        )

    async def listed(_request: Request) -> Response:
        return Response(
            msgspec.json.encode({"release": built.release, "files": {each.path: each.sha256 for each in built.files}}),
            media_type="application/json",
            headers=common | {"cache-control": _ANEW},
        )

    return [
        Route("/health", health),
        Route("/alive", alive),
        Route("/config.json", told),
        Route("/files.json", listed),
        *(Route(each.path, _sender(config, each, common)) for each in built.files),
    ]


def _sender(
    config: AppConfig, file: BuiltFile, common: dict[str, str]
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    plain = content(config.app, file.path) or b""
    packed = {"br": content(config.app, file.path, ".br"), "gzip": content(config.app, file.path, ".gz")}
    # Names with a hash in them never change their content; the others are asked for again.
    kept = _FOREVER if "-" in file.path else _ANEW
    media = f"{file.type}; charset=utf-8" if file.type.startswith("text/") else file.type

    async def send(request: Request) -> Response:
        accepted = {part.partition(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
        for name, data in packed.items():
            if data is not None and name in accepted:
                return Response(
                    data, media_type=media, headers=common | {"cache-control": kept, "content-encoding": name}
                )
        return Response(plain, media_type=media, headers=common | {"cache-control": kept})

    return send
