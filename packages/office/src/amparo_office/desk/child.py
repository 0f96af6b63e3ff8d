"""The worker as a child of the serving process: started again when it dies, ended with it however it ends."""

import logging
import os
import subprocess
import sys
import threading

from amparo_service.serve import ServiceArguments

log = logging.getLogger("amparo.desk")

STOP_SECONDS = 10.0
# How long to wait before the next start, after the first death, the second and so on.
PAUSES = (0.2, 1.0, 5.0, 20.0)


class WorkerChild:
    """Keeps one worker alive from a thread of its own. The lock guards the process and whether it shall live."""

    def __init__(self, arguments: ServiceArguments) -> None:
        self._command = [
            sys.executable,
            "-P",
            "-m",
            "amparo_office.desk.worker",
            "--data",
            str(arguments.data),
            "--attached",
        ]
        if arguments.practice_clock is not None:
            self._command += ["--practice-clock", str(arguments.practice_clock)]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="desk-worker", daemon=True)

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it politely, and for sure after `STOP_SECONDS`."""
        self._end.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _keep(self) -> None:
        deaths = 0
        while not self._end.is_set():
            with self._lock:
                # It reads the other end of this pipe: when this process dies in any way, the worker hears it.
                self._process = subprocess.Popen(  # noqa: S603 - our own worker
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                    env=dict(os.environ),
                )
            self._process.wait()
            if not self._end.is_set():
                log.error("the worker ended with %s and is started again", self._process.returncode)
            self._end.wait(PAUSES[min(deaths, len(PAUSES) - 1)])
            deaths += 1
