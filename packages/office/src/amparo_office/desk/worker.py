"""Runs the desk's jobs: `python -m amparo_office.desk.worker --data FOLDER`. Several may run, on several machines with PostgreSQL.

A worker that is stopped gives its job back; one that is killed leaves it to the next worker, which begins it anew.
"""

import os
import signal
import sys
import threading

from amparo_common.clock import SystemClock
from amparo_common.errors import AmparoError
from amparo_office.desk import start
from amparo_service.serve import exit_with_words

IDLE_SECONDS = 0.5
TIDY_SECONDS = 600.0


def work(stop: threading.Event) -> None:
    """Run jobs until `stop` is set."""
    from django.conf import settings
    from django.db import OperationalError, connection

    from amparo_office.desk import anchoring, nightly
    from amparo_staff.accounts.clock import now
    from amparo_staff.jobs import files
    from amparo_staff.jobs.service import run_next

    machine = SystemClock()
    tidied = 0.0
    while not stop.is_set():
        try:
            ran = run_next(settings.AMPARO_CLOCK, alive=machine, stop=stop)
            if machine.now().timestamp() - tidied > TIDY_SECONDS:
                files.erase_expired(now(), machine.now())
                anchoring.add_if_due(now())
                nightly.add_if_due(now())
                tidied = machine.now().timestamp()
        except OperationalError:  # the database is away or busy: the job stands as it was
            ran = False
        finally:
            connection.close()
        if not ran:
            stop.wait(IDLE_SECONDS)


def _stop_with_starter(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    arguments = start.parse("amparo_office.desk.worker", "Runs the desk's long work.", port=False)
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    if arguments.attached:
        threading.Thread(target=_stop_with_starter, args=(stop,), name="attached", daemon=True).start()
    try:
        start.prepare(arguments)
        start.migrate()
        work(stop)
    except AmparoError as error:
        exit_with_words(error)


if __name__ == "__main__":
    main()
