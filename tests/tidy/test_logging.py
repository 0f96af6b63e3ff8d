"""No log line can hold personal data: only fixed words, codes and type names are logged."""

import ast

from tests.tidy.tree import Module, Workspace, about, listed, plant, words

# Words of what could hold somebody's data. A dunder such as `__name__` is a type's name and never counted.
PERSONAL = {
    *("person", "persons", "people", "household", "households", "member", "members", "family"),
    *("name", "names", "surname", "phone", "email", "birth", "age", "address", "account", "iban", "ip"),
    *("fact", "facts", "row", "rows", "value", "values", "receipt", "receipts", "claim", "claims", "holder"),
    *(
        "token",
        "tokens",
        "proof",
        "proofs",
        "secret",
        "secrets",
        "key",
        "keys",
        "seed",
        "card",
        "cards",
        "code",
        "text",
    ),
    *("body", "request", "headers", "message", "exc", "info", "traceback", "quote", "shop", "what", "reason", "args"),
}
# (file, argument) -> why it holds nobody's data.
ALLOWED = {("jobs.py", "row[1]"): "the kind of a job, one of three words"}
_LOGGERS = {"log", "logger", "logging", "_log", "_logger"}
_CALLS = {"debug", "info", "warning", "warn", "error", "critical", "log"}


def telling_log_lines(workspace: Workspace) -> list[str]:
    """Log calls that pass something other than fixed words, codes, numbers and type names."""
    return [
        f"{module.at(call)}: {fault}"
        for module in workspace.modules()
        for call, name in _log_calls(module)
        for fault in _faults(module, call, name)
    ]


def _log_calls(module: Module) -> list[tuple[ast.Call, str]]:
    found = []
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name)) if (
                owner in _LOGGERS and name in _CALLS | {"exception"}
            ):
                found.append((node, name))
    return found


def _faults(module: Module, call: ast.Call, name: str) -> list[str]:
    faults = []
    if name == "exception" or any(keyword.arg in {"exc_info", "stack_info", "extra"} for keyword in call.keywords):
        faults.append("a traceback shows the data of whoever was served")
    if not (call.args and isinstance(call.args[0], ast.Constant)):
        faults.append("the words of a log line are fixed; what changes is an argument")
    for argument in call.args[1:]:
        guilty = _telling(argument)
        if guilty and (module.path.name, ast.unparse(argument)) not in ALLOWED:
            faults.append(f"{ast.unparse(argument)} could hold {guilty}")
    return faults


def _telling(argument: ast.expr) -> str:
    match argument:
        case ast.Constant() | ast.Attribute(attr="code" | "__name__" | "__qualname__"):
            return ""
        case ast.Call(func=ast.Name(id="len" | "type")):
            return ""
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return ", ".join(sorted(words(name) & (PERSONAL | {"error", "exception", "e"})))
        case _:
            return "anything: log a code, a count, a kind or a type's name"


def test_no_log_line_can_hold_personal_data(workspace: Workspace) -> None:
    faults = telling_log_lines(workspace)
    assert not faults, listed(faults)


BREACHES = (
    "log.error('failed for %s', person)",
    "log.error('failed for %s', row.full_name)",
    "log.warning('failed: %s', error)",
    "log.warning('failed: %s', str(error))",
    "log.info(f'claim of {household}')",
    "log.info('claim of %s' % household)",
    "log.exception('failed')",
    "log.error('failed', exc_info=True)",
    "self._log.info('%s', phone)",
    "logging.warning('%s', request.headers)",
)


def test_every_telling_log_line_is_seen(copy: Workspace) -> None:
    leak = "packages/office/src/amparo_office/leak.py"
    plant(copy, leak, "def f():\n" + "".join(f"    {line}\n" for line in BREACHES))
    seen = sorted(int(fault.split(":")[1]) for fault in about(telling_log_lines(copy), leak))
    assert seen == list(range(2, 2 + len(BREACHES)))


def test_a_code_a_count_and_a_type_may_be_logged(copy: Workspace) -> None:
    fine = "packages/office/src/amparo_office/fine.py"
    plant(copy, fine, "def f():\n    log.error('%s %s %s', error.code, len(rows), type(error).__name__)\n")
    assert about(telling_log_lines(copy), fine) == []
