"""`python -m amparo_mint.roles --user mint`: prints the SQL that makes the mint's tables in PostgreSQL, or brings them up to date,
and lets one user of the database work with them who may neither change nor delete a token.

Run as the tables' owner (`... | psql --single-transaction -v ON_ERROR_STOP=1 DATABASE`), before the first start and before the
start after each upgrade. The mint then connects as the user.
What the user cannot do: change, delete or empty tables of tokens, make or drop tables, switch off the triggers, undo a count. What
only a function of the owner does for it: make a new keyset's tables, pack fresh tokens, drop the tables of a closed keyset.
"""

import argparse
import re
import sys

from amparo_common.errors import AmparoError
from amparo_mint.errors import BadConfiguration
from amparo_mint.postgres_schema import FUNCTIONS, MIGRATIONS, TURN
from amparo_service.serve import exit_with_words

# What may be done with which table beside reading it; whatever is not here may not be done.
INSERTED = ("keyset", "denomination", "mint_quote", "melt_quote", "pending", "paid", "hash_key")
UPDATED = {
    "keyset": "state, issued, moved, redeemed, returned, claims",
    "denomination": "signed, spent",
    "mint_quote": "paid, issued, keyset",
    "melt_quote": "state, request, keyset",
    "paid": "total",
    "progress": "groups",
}
DELETED = ("mint_quote", "melt_quote", "pending")
_USER = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m amparo_mint.roles", description=__doc__)
    parser.add_argument("--user", required=True, help="the user of the database that the mint connects as; it exists")
    try:
        sys.stdout.write(statements(parser.parse_args().user))
    except AmparoError as error:
        exit_with_words(error)


def statements(user: str) -> str:
    """All of it, for one transaction. Safe to run again, also beside a running mint. Raises `BadConfiguration` for a user whose
    writing is not plain."""
    if not _USER.fullmatch(user):
        raise BadConfiguration("A user of the database is written in small letters, digits and low lines.")
    return ";\n".join([*_tables(), *_grants(user)]) + ";\n"


def _tables() -> list[str]:
    """The versions of the tables that are not there yet."""
    found = [
        f"SELECT pg_advisory_xact_lock({TURN})",
        "CREATE TABLE IF NOT EXISTS public.schema_version (version integer NOT NULL)",
    ]
    for number, script in enumerate(MIGRATIONS, start=1):
        found.append(
            "DO $migration$ BEGIN\n"
            f"IF (SELECT coalesce(max(version), 0) FROM public.schema_version) < {number} THEN {script}\n"
            f"INSERT INTO public.schema_version (version) VALUES ({number});\nEND IF; END $migration$"
        )
    return found


def _grants(user: str) -> list[str]:
    functions = ", ".join(FUNCTIONS)
    return [
        # Once more from nothing, so that what an older version allowed is not left.
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {user}",
        f"GRANT USAGE ON SCHEMA public TO {user}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}",
        f"GRANT INSERT ON {', '.join(INSERTED)} TO {user}",
        *(f"GRANT UPDATE ({columns}) ON {table} TO {user}" for table, columns in UPDATED.items()),
        f"GRANT DELETE ON {', '.join(DELETED)} TO {user}",
        # Tables of tokens, those that are there and those of keysets to come.
        "DO $grants$ DECLARE made text; BEGIN\n"
        "FOR made IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename ~ '^(fresh|aside)_[a-z]+_[0-9]+$' LOOP\n"
        f"EXECUTE format('GRANT INSERT ON public.%I TO {user}', made);\nEND LOOP; END $grants$",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO {user}",
        f"REVOKE ALL ON FUNCTION {functions} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {functions} TO {user}",
    ]


if __name__ == "__main__":
    main()
