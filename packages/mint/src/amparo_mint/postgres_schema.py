"""The tables of the mint in PostgreSQL, version by version, and the functions that run with their owner's rights.

Whatever makes, empties or drops tables of tokens is such a function: each does one thing that loses no token of an open keyset. So
the mint can be a user of the database who may neither change nor delete a token (`roles.py`). All of it is in the schema `public`.
"""

TURN = 0x616D7061  # the advisory lock by which groups, and whatever changes tables, take turns

_TABLES = """
    CREATE TABLE keyset (number integer PRIMARY KEY, id text NOT NULL UNIQUE, unit text NOT NULL, period text NOT NULL,
        final_expiry bigint, state text NOT NULL, issued bigint NOT NULL DEFAULT 0, moved bigint NOT NULL DEFAULT 0,
        redeemed bigint NOT NULL DEFAULT 0, returned bigint NOT NULL DEFAULT 0, claims bigint NOT NULL DEFAULT 0,
        CHECK (issued + moved - redeemed - returned >= 0));
    CREATE TABLE denomination (keyset integer NOT NULL REFERENCES keyset, amount bigint NOT NULL,
        signed bigint NOT NULL DEFAULT 0, spent bigint NOT NULL DEFAULT 0, PRIMARY KEY (keyset, amount),
        CHECK (spent <= signed));
    CREATE TABLE mint_quote (id text PRIMARY KEY, unit text NOT NULL, amount bigint NOT NULL, pubkey text NOT NULL,
        paid bigint NOT NULL DEFAULT 0, issued bigint NOT NULL DEFAULT 0);
    CREATE TABLE paid (unit text PRIMARY KEY, total bigint NOT NULL);
    CREATE TABLE melt_quote (id text PRIMARY KEY, shop text NOT NULL, unit text NOT NULL, amount bigint NOT NULL,
        state text NOT NULL, request bytea NOT NULL);
    CREATE TABLE pending (keyset integer NOT NULL REFERENCES keyset, hash uuid NOT NULL, amount bigint NOT NULL,
        quote text NOT NULL REFERENCES melt_quote, PRIMARY KEY (keyset, hash));
    CREATE TABLE hash_key (fingerprint bytea PRIMARY KEY);
    CREATE TABLE progress (groups bigint NOT NULL);
    INSERT INTO progress (groups) VALUES (0);
    CREATE TABLE message (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL);
    CREATE INDEX melt_waiting ON melt_quote (state) WHERE state = 'PENDING';
    CREATE INDEX pending_quote ON pending (quote);
    CREATE FUNCTION recorded_once() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'tokens are recorded once'; END $$;
    """


def token_tables(number: int | str) -> str:
    """The statements that make a keyset's own tables."""
    made = []
    for kind, column in (("spent", ""), ("issued", ", amount bigint NOT NULL")):
        for table in (f"{kind}_{number}", f"fresh_{kind}_{number}"):
            made.append(f"CREATE TABLE {table} (hash uuid PRIMARY KEY{column})")
            made.append(
                f"CREATE TRIGGER once BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION recorded_once()"
            )
    return ";\n".join(made)


# Quotes belong to a keyset and go with it; a deposit that waits is its own message to the shops side. Then the functions that run
# with the owner's rights: each does one thing that cannot lose a token of an open keyset.
_OWNER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS"
_QUOTES_GO = f"""
    ALTER TABLE mint_quote ADD COLUMN keyset integer NOT NULL DEFAULT 0;
    ALTER TABLE melt_quote ADD COLUMN keyset integer NOT NULL DEFAULT 0;
    UPDATE mint_quote AS q SET keyset = k.number FROM keyset AS k WHERE k.unit = q.unit AND k.state = 'active';
    UPDATE melt_quote AS q SET keyset = k.number FROM keyset AS k WHERE k.unit = q.unit AND k.state = 'active';
    CREATE INDEX mint_quote_keyset ON mint_quote (keyset);
    CREATE INDEX melt_quote_keyset ON melt_quote (keyset);
    CREATE INDEX mint_quote_unpaid ON mint_quote (id) WHERE paid = 0;
    CREATE INDEX melt_quote_unpaid ON melt_quote (id) WHERE state = 'UNPAID';
    DROP INDEX melt_waiting;
    CREATE INDEX melt_waiting ON melt_quote (id) WHERE state = 'PENDING';
    DROP TABLE message;
    CREATE FUNCTION make_token_tables(number integer) RETURNS void {_OWNER} $$
        BEGIN EXECUTE format($sql$ {token_tables("%1$s")} $sql$, number); END $$;
    CREATE FUNCTION drop_token_tables(closed integer) RETURNS void {_OWNER} $$
        BEGIN
            IF EXISTS (SELECT 1 FROM keyset WHERE number = closed AND state = 'closed') THEN
                DELETE FROM denomination WHERE keyset = closed;
                EXECUTE format('DROP TABLE spent_%1$s, fresh_spent_%1$s, issued_%1$s, fresh_issued_%1$s', closed);
            END IF;
        END $$;
    CREATE FUNCTION mix_tokens(kind text, number integer, small integer, crowd integer) RETURNS void {_OWNER} $$
        DECLARE
            kept text := format('%I', kind || '_' || number);
            fresh text := format('%I', 'fresh_' || kind || '_' || number);
            known bigint;
            added bigint;
        BEGIN
            EXECUTE format('SELECT count(*) FROM %s', fresh) INTO added;
            EXECUTE format('SELECT count(*) FROM (SELECT 1 FROM %s LIMIT %s) AS counted', kept, small) INTO known;
            IF known < small AND added > 0 THEN
                EXECUTE format('CREATE TEMPORARY TABLE mixed ON COMMIT DROP AS TABLE %s', kept);
                EXECUTE format('TRUNCATE %s', kept);
                EXECUTE format('INSERT INTO %s SELECT * FROM (TABLE pg_temp.mixed UNION ALL TABLE %s) AS every'
                    ' ORDER BY hash', kept, fresh);
                DROP TABLE pg_temp.mixed;
            ELSIF added >= crowd THEN
                EXECUTE format('INSERT INTO %s SELECT * FROM %s ORDER BY hash', kept, fresh);
            ELSE
                RETURN;
            END IF;
            EXECUTE format('TRUNCATE %s', fresh);
        END $$;
    CREATE FUNCTION mix_quotes(small integer) RETURNS void {_OWNER} $$
        BEGIN
            IF (SELECT count(*) FROM (SELECT 1 FROM mint_quote LIMIT small) AS counted) < small THEN
                CREATE TEMPORARY TABLE mixed ON COMMIT DROP AS TABLE mint_quote;
                TRUNCATE mint_quote;
                INSERT INTO mint_quote SELECT * FROM pg_temp.mixed ORDER BY id;
                DROP TABLE pg_temp.mixed;
            END IF;
            IF (SELECT count(*) FROM (SELECT 1 FROM melt_quote LIMIT small) AS counted) < small THEN
                CREATE TEMPORARY TABLE mixed ON COMMIT DROP AS TABLE melt_quote;
                CREATE TEMPORARY TABLE mixed_pending ON COMMIT DROP AS TABLE pending;
                TRUNCATE melt_quote, pending;
                INSERT INTO melt_quote SELECT * FROM pg_temp.mixed ORDER BY id;
                INSERT INTO pending SELECT * FROM pg_temp.mixed_pending ORDER BY hash;
                DROP TABLE pg_temp.mixed, pg_temp.mixed_pending;
            END IF;
        END $$;
    """
MIGRATIONS = (_TABLES, _QUOTES_GO)
# Those that the mint's user may call.
FUNCTIONS = (
    "make_token_tables(integer)",
    "drop_token_tables(integer)",
    "mix_tokens(text, integer, integer, integer)",
    "mix_quotes(integer)",
)
