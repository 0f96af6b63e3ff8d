"""Finding areas by code, or by name within the area above them, in any of their languages. Read once for an import."""

from amparo_office.errors import ValueFault
from amparo_office.intake.targets import fold
from amparo_office.register.models import Area


class Areas:
    """All areas of the desk, in memory: a nation has some ten thousand."""

    def __init__(self, mine: list[str]) -> None:
        """`mine`: the codes under which the member may enrol ([""] is everywhere)."""
        self._mine = mine
        self._codes: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._named: dict[tuple[int, str], list[str]] = {}
        for code, level, parent, names in Area.objects.values_list("code", "level", "parent_id", "names"):
            self._codes[code.casefold()] = code
            self._parents[code] = parent or ""
            for name in {fold(str(each)) for each in names.values()}:
                self._named.setdefault((level, name), []).append(code)

    def by_code(self, text: str) -> str:
        """The area with this code. Raises `ValueFault`."""
        code = self._codes.get(text.casefold())
        if code is None:
            raise ValueFault("area-unknown")
        return code

    def by_name(self, text: str, level: int, above: str) -> str:
        """The area of this level with this name (or code), under the area `above` ("" is any). Raises `ValueFault`."""
        if text.casefold() in self._codes:
            return self._codes[text.casefold()]
        found = [code for code in self._named.get((level, fold(text)), []) if above == "" or self._lies(code, above)]
        if not found:
            raise ValueFault("area-unknown")
        if len(found) > 1:
            raise ValueFault("area-twice")
        return found[0]

    def check_mine(self, code: str) -> None:
        """Raises `ValueFault` unless the member may enrol there."""
        if self._mine == [""]:
            return
        if not code:
            raise ValueFault("area-missing")
        if not any(code.startswith(mine) for mine in self._mine):
            raise ValueFault("area-yours")

    def _lies(self, code: str, above: str) -> bool:
        while code:
            if code == above:
                return True
            code = self._parents[code]
        return False
