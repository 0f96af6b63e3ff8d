"""What the desk sends piece by piece, from the real server: the progress of a job, and a file that a job made."""

import re
import urllib.request
from typing import Any

from tests.browser.conftest import Desk


def ask(desk: Desk, path: str, screen: dict[str, Any], **headers: str) -> Any:
    """An open answer, as the member who opens that screen."""
    cookie = f"sessionid={screen['session']}; amparo_language=es"
    request = urllib.request.Request(desk.address + path, headers={"Cookie": cookie} | headers)  # noqa: S310 - our own address
    return urllib.request.urlopen(request, timeout=60)  # noqa: S310 - our own address


def screen(desk: Desk, name: str) -> dict[str, Any]:
    """A screen by its name."""
    return next(each for each in desk.screens if each["name"] == name)


def events(desk: Desk, **headers: str) -> list[str]:
    """The first two messages of a running job's stream."""
    running = screen(desk, "job running")
    with ask(desk, running["path"] + "/events", running, **headers) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        return ["".join(iter(lambda: answer.readline().decode(), "\n")) for _ in range(2)]


def test_the_stream_of_a_job_tells_its_progress_in_the_language_of_the_page(desk: Desk) -> None:
    retry, told = events(desk)
    assert retry == "retry: 2000\n"
    assert told.startswith("id: running-0-41500-0\ndata: {")
    assert "de 100" in told


def test_a_browser_that_comes_back_hears_only_what_is_new(desk: Desk) -> None:
    _, told = events(desk, **{"Last-Event-ID": "running-0-41500-0"})
    assert told == ":\n"
    _, told = events(desk, **{"Last-Event-ID": "running-0-5-0"})
    assert told.startswith("id: ")


def test_a_file_of_a_job_arrives_whole_from_the_real_server(desk: Desk) -> None:
    done = screen(desk, "job done")
    with ask(desk, done["path"], done) as page:
        link = re.search(r'href="(/jobs/files/[0-9a-f-]+)"', page.read().decode())
    assert link
    with ask(desk, link[1], done) as answer:
        assert answer.read() == b"invented"
