"""Every screen of the desk, for the browser tests: its path's name, the role that opens it, what it needs.

`args` are keys of what `content.py` made (`made["household"]`). `fill` maps CSS selectors to what is typed, `submit` is then
clicked: so a page's refusals and a search's results are screens too. `status` is the expected HTTP status of the last answer.
"""

from dataclasses import dataclass, field

from amparo_staff.accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen. `role` None is nobody signed in."""

    name: str
    path_name: str
    role: Role | None
    args: tuple[str, ...] = ()
    query: str = ""
    fill: dict[str, str] = field(default_factory=dict)
    submit: str = ""
    status: int = 200
    path: str = ""


_WRONG = {"#id_login": "nobody", "#id_password": "a wrong password"}
_RIGHT = {"#id_login": "carla", "#id_password": "seven green lanterns"}
_CODE = {
    "#id_login": "nobody",
    "#id_code": "0000-0000-0000-0000",
    "#id_password": "nine quiet bicycles",
    "#id_again": "nine quiet bicycles",
}
_TAKEN = {"#id_login": "carla", "#id_name": "Carla"}
_PAIR = {"#id_roles-1-role": "validator", "#id_reason": "She does both."}

SCREENS: tuple[Screen, ...] = (
    # The desk, layout, jobs.
    Screen("start", "home", Role.ADMINISTRATOR),
    Screen("start registrar", "home", Role.REGISTRAR),
    Screen("components", "components", Role.ADMINISTRATOR),
    Screen("no such page", "", Role.REGISTRAR, path="/nothing-here", status=404),
    Screen("not allowed", "members", Role.REGISTRAR, status=403),
    Screen("jobs", "jobs", Role.REGISTRAR),
    Screen("jobs empty", "jobs", Role.RECONCILER),
    Screen("job waiting", "job", Role.REGISTRAR, args=("job_waiting",)),
    Screen("job running", "job", Role.REGISTRAR, args=("job_running",)),
    Screen("job done", "job", Role.REGISTRAR, args=("job_done",)),
    Screen("job failed", "job", Role.REGISTRAR, args=("job_failed",)),
    # Accounts, approvals, trail: for STAFF.
    Screen("sign in", "sign-in", None),
    Screen("sign in refused", "sign-in", None, fill=_WRONG, submit="main form button", status=403),
    Screen("sign in second", "sign-in", None, fill=_RIGHT, submit="main form button"),
    Screen("sign in passkey", "sign-in-passkey", None),
    Screen("choose password", "choose-password", None),
    Screen("choose password refused", "choose-password", None, fill=_CODE, submit="main form button", status=403),
    Screen("my account", "my-account", Role.REGISTRAR),
    Screen("change password", "change-password", Role.REGISTRAR),
    Screen("passkeys", "passkeys", Role.REGISTRAR),
    Screen("remove passkey", "remove-passkey", Role.REGISTRAR, args=("passkey",)),
    Screen("new codes", "new-codes", Role.REGISTRAR),
    Screen("roles", "roles", Role.AUDITOR),
    Screen("members", "members", Role.ADMINISTRATOR),
    Screen("members none", "members", Role.ADMINISTRATOR, query="?state=disabled&role=auditor"),
    Screen("add member", "add-member", Role.ADMINISTRATOR),
    Screen("add member refused", "add-member", Role.ADMINISTRATOR, fill=_TAKEN, submit="main form button", status=400),
    Screen("member", "member", Role.ADMINISTRATOR, args=("member",)),
    Screen("member own", "member", Role.ADMINISTRATOR, args=("member_own",)),
    Screen("member invited", "member", Role.ADMINISTRATOR, args=("member_invited",)),
    Screen("member disabled", "member", Role.ADMINISTRATOR, args=("member_disabled",)),
    Screen("member roles", "member-roles", Role.ADMINISTRATOR, args=("member",)),
    Screen(
        "member roles refused",
        "member-roles",
        Role.ADMINISTRATOR,
        args=("member",),
        fill=_PAIR,
        submit="main form button",
        status=400,
    ),
    Screen("member recover", "member-recover", Role.ADMINISTRATOR, args=("member",)),
    Screen("recovery code", "recovery-code", Role.ADMINISTRATOR, args=("approval_recovery",)),
    Screen("approvals", "approvals", Role.ADMINISTRATOR),
    Screen("approvals empty", "approvals", Role.RECONCILER),
    Screen("approval waiting", "approval", Role.ADMINISTRATOR, args=("approval_waiting",)),
    Screen("approval own", "approval", Role.ADMINISTRATOR, args=("approval_mine",)),
    Screen("approval approved", "approval", Role.ADMINISTRATOR, args=("approval_recovery",)),
    Screen("approval refused", "approval", Role.AUDITOR, args=("approval_refused",)),
    Screen("trail", "trail", Role.AUDITOR),
    Screen("trail empty", "trail", Role.AUDITOR, query="?from=2031-01-01"),
    # The register.
    Screen("register", "register-list", Role.REGISTRAR),
    Screen("register without identity", "register-list", Role.VIEWER),
    Screen("register filtered to nothing", "register-list", Role.VIEWER, query="?state=left&way=phone"),
    Screen("register with names", "register-list", Role.REGISTRAR, fill={"#purpose": "list"}, submit=".inline button"),
    Screen("register bulk check", "register-list", Role.REGISTRAR, submit=".bulk button"),
    Screen("register in numbers", "register-counts", Role.VIEWER),
    Screen("register search", "register-search", Role.REGISTRAR),
    Screen("register search refused", "register-search", Role.REGISTRAR, submit="main form button"),
    Screen(
        "register search found",
        "register-search",
        Role.REGISTRAR,
        fill={"#id_purpose": "service", "#id_words": "Kalil"},
        submit="main form button",
    ),
    Screen("household", "register-household", Role.VALIDATOR, args=("household",)),
    Screen("household without identity", "register-household", Role.AUDITOR, args=("household",)),
    Screen(
        "household opened",
        "register-household",
        Role.VALIDATOR,
        args=("household",),
        fill={"#id_purpose": "service"},
        submit=".purpose button",
    ),
    Screen("person", "register-person", Role.VALIDATOR, args=("person",)),
    Screen(
        "person opened",
        "register-person",
        Role.VALIDATOR,
        args=("person",),
        fill={"#id_purpose": "service"},
        submit=".purpose button",
    ),
    Screen("correct names, to open", "", Role.VALIDATOR, args=("person",), path="/register/people/{0}/change/names/"),
    Screen(
        "correct names",
        "",
        Role.VALIDATOR,
        args=("person",),
        path="/register/people/{0}/change/names/",
        submit="main form button",
    ),
    Screen(
        "choose who collects",
        "",
        Role.VALIDATOR,
        args=("household",),
        path="/register/households/{0}/change/collectors/",
        submit="main form button",
    ),
    Screen(
        "split a household",
        "",
        Role.VALIDATOR,
        args=("household",),
        path="/register/households/{0}/change/split/",
        submit="main form button",
    ),
    Screen(
        "correct a birth date, refused",
        "",
        Role.VALIDATOR,
        args=("person",),
        path="/register/people/{0}/change/birth/",
        fill={"#id_year": "2999"},
        submit="main form button",
    ),
    Screen(
        "correct a fact", "", Role.VALIDATOR, args=("household",), path="/register/households/{0}/change/fact-rooms/"
    ),
    Screen(
        "edit conflict",
        "",
        Role.VALIDATOR,
        args=("household",),
        path="/register/households/{0}/change/language/",
        fill={"input[name=version]": "1", "#id_answer_1": "", "#id_reason": "She said so."},
        submit="main form button",
        status=409,
    ),
    Screen("person with changes", "register-person", Role.VALIDATOR, args=("person_merged",)),
    Screen("erased", "register-erased", Role.VALIDATOR, args=("erased",)),
    Screen("erasing waits", "register-erased", Role.VALIDATOR, args=("erasing",)),
    Screen("not erased", "register-erased", Role.VALIDATOR, args=("not_erased",)),
    Screen("erase approval", "approval", Role.APPROVER, args=("erased",)),
    Screen("erase approval waits", "approval", Role.APPROVER, args=("erasing",)),
    Screen("erase a person", "register-person-erase", Role.VALIDATOR, args=("person",)),
    Screen("new household", "register-new", Role.REGISTRAR),
    Screen("new household, first question", "register-new", Role.REGISTRAR, submit="main form button"),
    Screen("catalogue", "register-catalogue", Role.PROGRAMME_MANAGER),
    Screen("areas", "areas", Role.PROGRAMME_MANAGER),
    Screen("propose a fact", "register-catalogue-propose", Role.PROGRAMME_MANAGER),
    Screen("data dictionary", "register-dictionary", Role.VIEWER),
    Screen("emergency", "register-panic", Role.ADMINISTRATOR),
    # Voucher sheets.
    Screen("sheets", "sheets", Role.REGISTRAR),
    Screen(
        "sheet not found",
        "sheets",
        Role.VIEWER,
        fill={"#id_said": "482109375162"},
        submit="main form button",
        status=400,
    ),
    Screen("sheets of a household", "sheets-of", Role.REGISTRAR, args=("household",)),
    Screen("sheet", "sheet", Role.REGISTRAR, args=("sheet",)),
    Screen("sheet waits to be struck", "sheet", Role.REGISTRAR, args=("sheet_waiting",)),
    Screen("sheet struck", "sheet", Role.REGISTRAR, args=("sheet_struck",)),
    Screen("sheet struck, for who agreed", "sheet", Role.APPROVER, args=("sheet_struck",)),
    Screen("sheet in place of a lost one", "sheet", Role.REGISTRAR, args=("sheet_successor",)),
    Screen("strike approval waits", "approval", Role.APPROVER, args=("striking",)),
    Screen("strike a sheet", "sheet-strike", Role.REGISTRAR, args=("sheet",)),
    Screen("take in sheets", "sheets-take-in", Role.REGISTRAR),
    Screen("voucher refused", "sheets-refused", Role.GRIEVANCE_OFFICER),
    # Imports and exports.
    Screen("imports", "imports", Role.REGISTRAR),
    Screen("changes by a file", "updates", Role.REGISTRAR),
    Screen("change by a file", "update-new", Role.REGISTRAR),
    Screen("imports empty", "imports", Role.VALIDATOR),
    Screen("import new", "import-new", Role.REGISTRAR),
    Screen("import columns", "import-mapping", Role.REGISTRAR, args=("import_columns",)),
    Screen("import new refused", "import-new", Role.REGISTRAR, submit="main form button", status=400),
    Screen("import being read", "import", Role.REGISTRAR, args=("import_reading",)),
    Screen("import read", "import", Role.REGISTRAR, args=("import_columns",)),
    Screen("import columns remembered", "import-mapping", Role.REGISTRAR, args=("import_remembered",)),
    Screen(
        "import columns refused",
        "import-mapping",
        Role.REGISTRAR,
        args=("import_columns",),
        fill={"#calling": "x"},
        submit="main form button",
        status=400,
    ),
    Screen("import ready", "import", Role.REGISTRAR, args=("import_ready",)),
    Screen("import with nothing new", "import", Role.REGISTRAR, args=("import_nothing_new",)),
    Screen("import with faults", "import", Role.REGISTRAR, args=("import_faults",)),
    Screen("import take in", "import-take-in", Role.REGISTRAR, args=("import_faults",)),
    Screen("import taken in", "import", Role.REGISTRAR, args=("import_merged",)),
    Screen("import taken in before", "import-before", Role.REGISTRAR, args=("import_merged",)),
    Screen("templates and forms", "templates", Role.REGISTRAR),
    Screen("check a form", "form-check", Role.REGISTRAR),
    Screen("lists", "exports", Role.VALIDATOR),
    Screen("list new", "export-new", Role.VALIDATOR),
    Screen("list", "export", Role.VALIDATOR, args=("export",)),
    Screen("lists not allowed", "exports", Role.REGISTRAR, status=403),
    # Duplicates.
    Screen("duplicates", "duplicates-list", Role.VALIDATOR),
    Screen("two records side by side", "duplicates-pair", Role.VALIDATOR, args=("pair",)),
    Screen(
        "two records, verdict refused",
        "duplicates-pair",
        Role.VALIDATOR,
        args=("pair",),
        fill={"#id_verdict_0": "", "#id_why": "typed-twice"},
        submit="main form button",
    ),
    Screen("two records, judged", "duplicates-pair", Role.VALIDATOR, args=("pair_judged",)),
    Screen("duplicates crowd", "duplicates-crowd", Role.VALIDATOR, args=("crowd",)),
    Screen("duplicates put together", "duplicates-merges", Role.VALIDATOR),
    Screen("duplicates crowds", "duplicates-crowds", Role.VALIDATOR),
    Screen("duplicates other list", "duplicates-other", Role.VALIDATOR),
    Screen("duplicates not allowed", "duplicates-list", Role.REGISTRAR, status=403),
)
