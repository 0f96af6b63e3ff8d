"""Serves the desk: `python -m amparo_office.desk --data FOLDER`. The database is that of AMPARO_OFFICE_DATABASE, else a file."""

import sys
from typing import Any

from amparo_common.errors import AmparoError
from amparo_office.desk import start
from amparo_office.desk.child import WorkerChild
from amparo_service.serve import ServiceArguments, exit_with_words, run_service


class DeskApp:
    """Django's ASGI application, with the worker as a child from the start to the end."""

    def __init__(self, django_app: Any, child: WorkerChild) -> None:
        self._django = django_app
        self._child = child

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one connection, or the whole life of the process."""
        match scope["type"]:
            case "http":
                await self._django(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._child.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                self._child.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def build(arguments: ServiceArguments) -> DeskApp:
    """The desk with everything it needs, from its folder."""
    start.prepare(arguments)
    start.migrate()
    from django.core.asgi import get_asgi_application

    return DeskApp(get_asgi_application(), WorkerChild(arguments))


def introduce() -> None:
    """Print the code for the first administrator, while there is no member."""
    from django.urls import reverse

    from amparo_staff.accounts import first
    from amparo_staff.accounts.clock import now

    code = first.make_code(now())
    if code is not None:
        sys.stdout.write(f"Code for the first administrator (once, at {reverse('first-administrator')}): {code}\n")
        sys.stdout.flush()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    arguments = start.parse("amparo_office.desk", "The staff's workplace.", port=True)
    try:
        app = build(arguments)
        introduce()
        run_service(app, arguments)
    except AmparoError as error:
        exit_with_words(error)


if __name__ == "__main__":
    main()
