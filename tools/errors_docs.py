"""Writes `docs/errors.md` from the packages' `errors.py`: every code, what happened, why, and what to do.

Reads the source as text (nothing is imported), so it also works on a copy of the tree. `--check` writes nothing and fails
when the page is not current.
"""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path("docs") / "errors.md"

# Codes of answers that no error class makes: code -> (HTTP status, what, why, what to do).
WITHOUT_CLASS = {
    "service.bad_answer": (
        200,
        "Another service gave an answer that has not the agreed shape.",
        "The two services are of different versions, or something else answers at that address.",
        "Check the address and the versions.",
    ),
}

# Codes that only the phone apps raise (`fail("CODE"` in `web/`): code -> (what, why, what to do).
ON_PHONES = {
    "till.no_sale": (
        "No sale is open, or one is partly paid.",
        "A code is taken for a sale with an amount, and one sale at a time.",
        "Type the price; finish or cancel the sale that is partly paid.",
    ),
    "till.not_enrolled": (
        "This is no till of a shop yet.",
        "It has not scanned the office's code, or was taken out of the shop.",
        "Scan the code that the office gave the shop.",
    ),
    "till.nothing_to_refund": (
        "The till has no money of its own to give back.",
        "What was sent in belongs to the settlement already.",
        "Settle it with the customer from the cash box.",
    ),
    "till.other_shop": (
        "This till belongs to another shop.",
        "Its stored sales are that shop's money.",
        "Send them in and take the till out of that shop first.",
    ),
    "till.practice_code": (
        "A practice code was shown in a real sale.",
        "It has no value.",
        "Do not hand over goods; ask for a real code.",
    ),
    "till.practice_only": (
        "A real code was shown in a practice sale.",
        "Practice must not take anybody's money; the code stays good.",
        "Begin a real sale.",
    ),
    "vault.closed": (
        "The store of this phone does not take changes any more.",
        "A write did not succeed, or another window has it.",
        "Close the other windows and open the app again.",
    ),
    "vault.damaged": (
        "The store of this phone is damaged.",
        "A part is missing, changed or of another copy.",
        "Ask for help before it is thrown away; the recovery code brings back what the mint knows.",
    ),
    "vault.pin_needed": ("The store has a PIN.", "It was set on this phone.", "Type it."),
    "vault.pin_wait": (
        "Too many wrong PINs were typed.",
        "Each wrong one makes the next wait longer.",
        "Wait until the moment that is shown.",
    ),
    "vault.pin_wrong": ("That is not the PIN.", "It does not open the store's key.", "Type it again."),
    "vault.rolled_back": (
        "The store of this phone is an old copy.",
        "It was put back from before; what was paid since would be shown as money.",
        "Ask for help; the recovery code shows what is really there.",
    ),
    "vault.too_new": (
        "A newer release of the app wrote this store.",
        "An older one would misread it.",
        "Connect and open the app again.",
    ),
}

_HEAD = """# Errors

Made from the packages' `errors.py` by `just errors-docs`; change the source, not this page.

Every error says what happened, why, and what to do now, and carries a code that never changes its meaning. The texts below
are the usual ones; an error may say something more exact in their place. No error names a person. "HTTP" is the status with
which a service answers; the mint answers errors of the token protocol with 400 and the number of the specification's error
table, as Cashu wallets expect. A command of `amparo` shows the same words and ends with exit code 3.
"""


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """One error class as its source says it. `attributes` are what its own body sets, with literal values."""

    package: str
    file: str
    line: int
    name: str
    base: str
    doc: str
    attributes: dict[str, Any]


def read_errors(root: Path) -> list[ErrorClass]:
    """Every class of every `packages/*/src/*/errors.py` that descends from `AmparoError`, in the order of the files."""
    found: list[ErrorClass] = []
    for path in sorted(root.glob("packages/*/src/*/errors.py")):
        found += _classes(path, root)
    names = {"AmparoError"}
    while True:
        more = {each.name for each in found if each.base in names} - names
        if not more:
            return [each for each in found if each.name in names]
        names |= more


def _classes(path: Path, root: Path) -> list[ErrorClass]:
    relative = path.relative_to(root)
    return [
        ErrorClass(
            package=relative.parts[1],
            file=str(relative),
            line=node.lineno,
            name=node.name,
            base=node.bases[0].id if node.bases and isinstance(node.bases[0], ast.Name) else "",
            doc=ast.get_docstring(node) or "",
            attributes=_attributes(node),
        )
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    ]


def _attributes(node: ast.ClassDef) -> dict[str, Any]:
    found = {}
    for statement in node.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                found[name] = ast.literal_eval(value)
    return found


def attribute(error: ErrorClass, name: str, errors: list[ErrorClass]) -> Any:
    """An attribute of an error class, its own or inherited."""
    if name in error.attributes:
        return error.attributes[name]
    for each in errors:
        # A base in the same package comes before one of the same name elsewhere.
        if each.name == error.base and each.package in {error.package, "common"}:
            return attribute(each, name, errors)
    return None


def render(errors: list[ErrorClass]) -> str:
    """The page."""
    parts = [_HEAD]
    for package in sorted({error.package for error in errors}):
        rows = [_row(each, errors) for each in errors if each.package == package and not is_base(each, errors)]
        rows += [
            _line(f"`{code}`", str(status), *texts)
            for code, (status, *texts) in WITHOUT_CLASS.items()
            if code.partition(".")[0] == package
        ]
        parts.append(f"\n## {package}\n\n| code | HTTP | what happened | why | what to do |\n|---|---|---|---|---|\n")
        parts += rows
    parts.append("\n## Only on phones\n\n| code | what happened | why | what to do |\n|---|---|---|---|\n")
    parts += [_line(f"`{code}`", *texts) for code, texts in sorted(ON_PHONES.items())]
    return "".join(parts)


def is_base(error: ErrorClass, errors: list[ErrorClass]) -> bool:
    """Whether other classes descend from this one; a base is never raised itself."""
    return error.name == "AmparoError" or any(
        (each.base, each.package) == (error.name, error.package) for each in errors
    )


def _row(error: ErrorClass, errors: list[ErrorClass]) -> str:
    number = attribute(error, "number", errors)
    return _line(
        f"`{error.attributes.get('code', '?')}`" + ("" if number is None else f" {number}"),
        "–" if error.package == "amparo" else str(attribute(error, "http_status", errors)),  # a command, not a service
        error.doc.partition("\n\n")[0],
        attribute(error, "why", errors) or "",
        attribute(error, "todo", errors) or "",
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |\n"


def main() -> None:
    """Write the page, or with `--check` only compare it."""
    page, text = ROOT / PAGE, render(read_errors(ROOT))
    if "--check" not in sys.argv[1:]:
        page.write_text(text)
    elif not page.exists() or page.read_text() != text:
        sys.exit(f"{PAGE} is not current: run `just errors-docs`.")


if __name__ == "__main__":
    main()
