"""Runs one phone app's server as a process of its own: `python -m amparo_apps --data FOLDER`."""

from amparo_apps import config
from amparo_apps.files import built
from amparo_apps.http import routes
from amparo_common.clock import SystemClock
from amparo_common.errors import AmparoError
from amparo_service.http import make_app
from amparo_service.practice_clock import clock_for
from amparo_service.serve import exit_with_words, parse_arguments, prepare_folder, run_service


def main() -> None:
    """Start the server of the app that the folder's `config.json` names."""
    arguments, _ = parse_arguments("apps", "A phone app, wallet or till.")
    try:
        prepare_folder(arguments.data)
        settings = config.load(arguments.data)
        clock, machine = clock_for(arguments.practice_clock), SystemClock()
        offset = lambda: round((clock.now() - machine.now()).total_seconds())  # noqa: E731 - one line says it
        run_service(make_app(routes(settings, built(settings.app), offset=offset)), arguments)
    except AmparoError as error:
        exit_with_words(error)


if __name__ == "__main__":
    main()
