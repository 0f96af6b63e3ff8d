"""Members of staff at their browsers, as a story tells it: what `hands.mjs` does in Chromium, one line for each deed.

Every deed finds what it needs by the words on the page, as a reader does, and waits for it; nothing sleeps. Pictures of the pages
go to AMPARO_SCREENSHOTS, if anybody wants them.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.conftest import HERE, Browser


class Hands:
    """The process that holds the browsers. One deed at a time."""

    def __init__(self, process: "subprocess.Popen[str]", pictures: Path | None) -> None:
        self._process, self._pictures, self._count = process, pictures, 0

    def do(self, who: str, deed: str, **asked: object) -> Any:
        """One deed of a member; what it found. Fails with what stood on the page."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"who": who, "deed": deed} | asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the browsers are gone"
        answer = json.loads(line)
        assert "error" not in answer, f"{who} cannot {deed} {asked}: {answer['error']}"
        return answer["value"]

    def picture(self, who: str, name: str) -> None:
        """What a member sees now, for looking at."""
        if self._pictures is not None:
            self._count += 1
            self.do(who, "picture", to=str(self._pictures / f"{self._count:02d}-{name}.png"))


class Member:
    """One member of staff at their browser."""

    def __init__(self, hands: Hands, login: str) -> None:
        self.hands, self.login = hands, login

    def open(self, path: str, *, status: int = 200) -> "Member":
        """Type an address."""
        self.hands.do(self.login, "open", path=path, status=status)
        return self

    def go(self, *links: str) -> "Member":
        """Follow links, one after the other, by their words."""
        for name in links:
            self.hands.do(self.login, "press", role="link", name=name)
        return self

    def press(self, button: str, *, status: int = 200) -> "Member":
        """Press a button; the next page has loaded."""
        self.hands.do(self.login, "press", role="button", name=button, status=status)
        return self

    def fill(self, **fields: str) -> "Member":
        """Type into fields by their ids."""
        for name, value in fields.items():
            self.hands.do(self.login, "fill", css=f"#id_{name}", value=value)
        return self

    def type(self, label: str, value: str) -> "Member":
        """Type into the field with this label."""
        self.hands.do(self.login, "fill", label=label, value=value)
        return self

    def choose(self, label: str, value: str) -> "Member":
        """Choose from the first list with this label."""
        self.hands.do(self.login, "choose", label=label, value=value)
        return self

    def tick(self, label: str) -> "Member":
        """Choose a circle or tick a box."""
        self.hands.do(self.login, "tick", label=label)
        return self

    def attach(self, label: str, *files: Path) -> "Member":
        """Choose files to send."""
        self.hands.do(self.login, "attach", label=label, files=[str(file) for file in files])
        return self

    def wait(self, role: str, name: str) -> "Member":
        """Wait until the page has it: a page about long work loads itself anew when the work has ended."""
        self.hands.do(self.login, "wait", role=role, name=name)
        return self

    def texts(self, css: str) -> list[str]:
        """What these parts of the page say."""
        found: list[str] = self.hands.do(self.login, "texts", css=css)
        return found

    def text(self, css: str) -> str:
        """What this one part of the page says."""
        (found,) = self.texts(css)
        return found

    def facts(self) -> dict[str, str]:
        """The summary list of the page: what it calls a thing, and what it says of it."""
        return dict(zip(self.texts("dl.facts dt"), self.texts("dl.facts dt + dd"), strict=True))

    def links(self, css: str) -> list[str]:
        """Where these links go."""
        found: list[str] = self.hands.do(self.login, "links", css=css)
        return found

    def where(self) -> str:
        """The path of the page."""
        found: str = self.hands.do(self.login, "where")
        return found

    def save(self, role: str, name: str, to: Path) -> Path:
        """Press what downloads a file; the file."""
        self.hands.do(self.login, "save", role=role, name=name, to=str(to))
        return to

    def picture(self, name: str) -> "Member":
        """Take a picture of the page."""
        self.hands.picture(self.login, name)
        return self


@contextmanager
def at_work(rig: Browser, address: str, *, pictures: str = "") -> Iterator[Hands]:
    """Open the browsers for one desk. At the end no page had an error, and none loaded anything from elsewhere."""
    folder = None
    if os.environ.get("AMPARO_SCREENSHOTS"):
        folder = Path(os.environ["AMPARO_SCREENSHOTS"], pictures)
        folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [str(rig.node), str(HERE / "hands.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"chromium": rig.chromium, "address": address}) + "\n")
        hands = Hands(process, folder)
        yield hands
        found = hands.do("nobody", "faults")
        assert not found, "\n".join(found)
    finally:
        process.stdin.close()  # type: ignore[union-attr] # a pipe
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr] # a pipe
