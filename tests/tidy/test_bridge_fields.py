"""The fields that pass between the sides are exactly those of `bridge_fields.json`: the bridge's messages, and what office and
printing desk carry to each other about voucher sheets.

A change of that file needs a decision record (`docs/decisions`). After one: `python -m tests.tidy.test_bridge_fields`
writes the file anew. Cannot catch: new meaning in an old field (review).
"""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from tests.tidy.tree import ROOT, Workspace

from amparo_common import bridge, sheets

FROZEN = Path(__file__).with_name("bridge_fields.json")
# What crosses, and where it is written.
SOURCES = {
    bridge: "packages/common/src/amparo_common/bridge.py",
    sheets: "packages/common/src/amparo_common/sheets.py",
}
_MODULE_PREFIX = re.compile(r"\b[a-z_]+(\.[a-z_]+)*\.(?=[A-Z])")


def fields_of(*modules: ModuleType) -> dict[str, Any]:
    """Every struct that these modules define or use: its kind, whether it refuses unknown fields, its fields in order."""
    found = {}
    defined = {name: value for module in modules for name, value in vars(module).items()}
    for name, value in sorted(defined.items()):
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and value is not msgspec.Struct:
            config = value.__struct_config__
            found[name] = {
                "kind": config.tag,
                "frozen": config.frozen,
                "refuses_unknown_fields": config.forbid_unknown_fields,
                "fields": [_field(field) for field in msgspec.structs.fields(value)],
            }
    return found


def _field(field: msgspec.structs.FieldInfo) -> str:
    shown = field.type.__name__ if isinstance(field.type, type) and not _arguments(field.type) else str(field.type)
    text = f"{field.encode_name}: {_MODULE_PREFIX.sub('', shown)}"
    if field.default is not msgspec.NODEFAULT:
        return f"{text} = {field.default!r}"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"{text} = {getattr(field.default_factory, '__name__', field.default_factory)}()"
    return text


def _arguments(kind: Any) -> bool:
    return bool(getattr(kind, "__args__", ()))


def fields_in(root: Path) -> dict[str, Any]:
    """The same of the sources in a copy of the tree."""
    return fields_of(*(_loaded(root / path) for path in SOURCES.values()))


def _loaded(path: Path) -> ModuleType:
    """A source as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"{path.stem}_copy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def frozen_fields() -> dict[str, Any]:
    """What `bridge_fields.json` says."""
    fields: dict[str, Any] = msgspec.json.decode(FROZEN.read_bytes())
    return fields


def write_frozen() -> None:
    """Write `bridge_fields.json` anew from the source."""
    text = msgspec.json.format(msgspec.json.encode(fields_of(*SOURCES)), indent=2).decode()
    FROZEN.write_text(text + "\n")


def test_the_fields_of_the_bridge_are_those_that_were_argued_for() -> None:
    assert fields_of(*SOURCES) == frozen_fields(), "a new field needs a decision record first: docs/decisions"


def test_the_bridge_that_is_checked_is_this_tree_s(workspace: Workspace) -> None:
    for module, path in SOURCES.items():
        assert Path(str(module.__file__)) == workspace.root / path
    assert fields_in(ROOT) == frozen_fields()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    successor: str\n", "    successor: str\n    approval: str\n"),
        ("class Listed(msgspec.Struct, frozen=True)", "class Listed(msgspec.Struct)"),
        ("    quote: QuoteId\n", "    quote: QuoteId\n    household: str\n"),
        ("    quote: QuoteId\n", "    quote: str\n"),
        ("    deposit: DepositId\n", ""),
        ("    accredited: bool\n", "    accredited: bool = True\n"),
        ('tag="quote-paid"', 'tag="quote-settled"'),
        ("frozen=True, forbid_unknown_fields=True, tag_field", "frozen=True, tag_field"),
        ('LOG_TYP = "', 'class Extra(BridgeMessage, frozen=True, tag="extra"):\n    who: str\n\n\nLOG_TYP = "'),
        ("LogMessage = (\n    KeyAnnounced\n", "LogMessage = (\n    QuotePaid\n    | KeyAnnounced\n"),
    ],
    ids=[
        "order",
        "list",
        "field added",
        "type changed",
        "field removed",
        "default",
        "kind",
        "unknown",
        "extra",
        "union",
    ],
)
def test_a_changed_bridge_is_seen(copy: Workspace, old: str, new: str) -> None:
    (path,) = (copy.root / path for path in SOURCES.values() if old in (copy.root / path).read_text())
    path.write_text(path.read_text().replace(old, new, 1))
    assert fields_in(copy.root) != frozen_fields()


if __name__ == "__main__":
    write_frozen()
