"""The tables of the mint in PostgreSQL, version by version, and the functions that run with their owner's rights.

Whatever makes, empties or drops tables of tokens is such a function: each does one thing that loses no token of an open keyset. So
the mint can be a user of the database who may neither change nor delete a token (`roles.py`). All of it is in the schema `public`.
"""

TURN = 0x616D7061  # the advisory lock by which groups, and whatever changes tables, take turns
PACKING = TURN + 1  # whoever packs tokens holds this one

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
    """The statements that made a keyset's own tables until version 3."""
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


# Tokens that are no longer fresh lie packed (docs/decisions/0036): a row is a bucket, all hashes that begin with the same `depth`
# bits, in their order; `first` is the smallest that it could hold. So the bytes that PostgreSQL adds to a row and to its place in
# the index are shared by some forty tokens. The bucket of a hash is the one with the largest `first` that is not larger. A bucket
# with more than 64 is split by the next bit: which buckets there are does not follow from the order in which tokens came.
# Fresh tokens stand as before, a row each, in `fresh_...`. To be packed they are set aside by exchanging the names of two tables,
# in a moment of a turn; the packing itself holds up nobody. A crash between the two leaves them aside, where they are looked up
# too. Whoever needs more than one of a keyset's tables takes them in the order `fresh_...`, `aside_...`, packed: nobody waits in a
# circle.
def loose_tables(place: str, number: int | str) -> str:
    """The statements that make a keyset's tables with a row for each token. They are emptied as a whole: there is nothing to
    vacuum, and whoever vacuums is in the way of that."""
    made = []
    for kind, column in (("spent", ""), ("issued", ", amount bigint NOT NULL")):
        table = f"{place}_{kind}_{number}"
        made.append(f"CREATE TABLE {table} (hash uuid PRIMARY KEY{column}) WITH (autovacuum_enabled = false)")
        made.append(
            f"CREATE TRIGGER once BEFORE UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION recorded_once()"
        )
    return ";\n".join(made)


def packed_tables(number: int | str) -> str:
    """The statements that make a keyset's tables of buckets, still without any."""
    made = []
    amounts = ", amounts bigint[] NOT NULL, CHECK (cardinality(hashes) = cardinality(amounts))"
    for table, column in ((f"spent_{number}", ""), (f"issued_{number}", amounts)):
        made.append(
            f"CREATE TABLE {table} (first uuid PRIMARY KEY, depth smallint NOT NULL, hashes uuid[] NOT NULL{column})"
            " WITH (autovacuum_vacuum_scale_factor = 0.05)"
        )
        made.append(f"CREATE TRIGGER once BEFORE DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION recorded_once()")
        made.append(
            f"CREATE TRIGGER grow BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION buckets_only_grow()"
        )
    return ";\n".join(made)


_PACKED = (
    """
    CREATE FUNCTION buckets_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            gone boolean;
        BEGIN
            IF TG_OP = 'INSERT' THEN
                -- A new bucket must not stand before tokens of the one that was asked for them so far.
                EXECUTE format('SELECT EXISTS (SELECT FROM'
                    ' (SELECT hashes FROM %s WHERE first <= $1 ORDER BY first DESC LIMIT 1) AS b'
                    ' WHERE hashes[cardinality(hashes)] >= $1'
                    ' AND EXISTS (SELECT FROM unnest(hashes) AS t (hash) WHERE hash >= $1 AND hash <> ALL($2)))',
                    TG_RELID::regclass) INTO gone USING NEW.first, NEW.hashes;
            ELSIF NEW.first = OLD.first AND cardinality(NEW.hashes) > cardinality(OLD.hashes) AND OLD.hashes <@ NEW.hashes THEN
                RETURN NEW;
            ELSE
                -- What leaves a bucket must stand in the one that is asked for it from now on.
                EXECUTE format('SELECT EXISTS (SELECT FROM unnest($1) AS t (hash) LEFT JOIN LATERAL'
                    ' (SELECT hashes FROM %s WHERE first <= t.hash AND first <> $2 ORDER BY first DESC LIMIT 1) AS b ON true'
                    ' WHERE hash <> ALL($3) AND (hashes IS NULL OR hash <> ALL(hashes)))', TG_RELID::regclass)
                    INTO gone USING OLD.hashes, OLD.first, NEW.hashes;
                gone := gone OR NEW.first <> OLD.first OR NEW.depth <= OLD.depth;
            END IF;
            IF gone THEN
                RAISE EXCEPTION 'tokens are recorded once';
            END IF;
            RETURN NEW;
        END $$;
    -- All buckets of an empty table, with the tokens of another one.
    CREATE FUNCTION fill_buckets(kind text, number integer, source text) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            total bigint;
            filled bigint;
            bits integer;
            wide uuid;
        BEGIN
            EXECUTE format('SELECT count(*) FROM %s', source) INTO total;
            bits := least(31, greatest(0, ceil(log(2.0, greatest(total, 1) / 44.0))));
            EXECUTE format($sql$
                WITH placed AS (
                    SELECT ((get_byte(b, 0)::bigint << 24) | (get_byte(b, 1) << 16) | (get_byte(b, 2) << 8) | get_byte(b, 3))
                        >> (32 - %1$s) AS bucket, t.* FROM (SELECT *, uuid_send(hash) AS b FROM %2$s) AS t),
                buckets AS (SELECT bucket, array_agg(DISTINCT hash ORDER BY hash) AS hashes%3$s FROM placed GROUP BY bucket),
                written AS (
                    INSERT INTO %4$I
                    SELECT rpad(lpad(to_hex(n.bucket << (32 - %1$s)), 8, '0'), 32, '0')::uuid, %1$s, coalesce(b.hashes, '{}')%5$s
                    FROM generate_series(0, (1::bigint << %1$s) - 1) AS n (bucket) LEFT JOIN buckets AS b USING (bucket)
                    ORDER BY n.bucket RETURNING cardinality(hashes) AS size)
                SELECT sum(size) FROM written
                $sql$, bits, source, CASE kind WHEN 'issued' THEN ', array_agg(amount ORDER BY hash) AS amounts' ELSE '' END,
                kind || '_' || number, CASE kind WHEN 'issued' THEN ', coalesce(b.amounts, ''{}'')' ELSE '' END) INTO filled;
            IF filled <> total THEN
                RAISE EXCEPTION 'tokens are recorded once';
            END IF;
            FOR wide IN EXECUTE format('SELECT first FROM %I WHERE cardinality(hashes) > 64', kind || '_' || number) LOOP
                PERFORM split_bucket(kind, number, wide);
            END LOOP;
            -- Few buckets lie in their order, without what a split left behind.
            IF wide IS NOT NULL AND total < 100000 THEN
                EXECUTE format('CREATE TEMPORARY TABLE split ON COMMIT DROP AS TABLE %I', kind || '_' || number);
                EXECUTE format('TRUNCATE %I', kind || '_' || number);
                EXECUTE format('INSERT INTO %I SELECT * FROM pg_temp.split ORDER BY first', kind || '_' || number);
                DROP TABLE pg_temp.split;
            END IF;
        END $$;
    CREATE FUNCTION split_bucket(kind text, number integer, place uuid) RETURNS void LANGUAGE plpgsql AS $$
        #variable_conflict use_variable
        DECLARE
            kept text := format('%I', kind || '_' || number);
            more text := CASE kind WHEN 'issued' THEN ', amounts' ELSE '' END;
            deep integer;
            high uuid;
            low integer;
            size integer;
        BEGIN
            EXECUTE format('SELECT depth, cardinality(hashes) FROM %s WHERE first = $1', kept) INTO deep, size USING place;
            IF size <= 64 OR deep >= 127 THEN
                RETURN;
            END IF;
            high := encode(set_bit(uuid_send(place), deep / 8 * 8 + 7 - deep % 8, 1), 'hex')::uuid;
            EXECUTE format('SELECT count(*) FROM %s, unnest(hashes) AS t (hash) WHERE first = $1 AND t.hash < $2', kept)
                INTO low USING place, high;
            EXECUTE format('INSERT INTO %1$s SELECT $2, $3 + 1, hashes[$4 + 1:]%2$s FROM %1$s WHERE first = $1', kept,
                CASE kind WHEN 'issued' THEN ', amounts[$4 + 1:]' ELSE '' END) USING place, high, deep, low;
            EXECUTE format('UPDATE %s SET depth = $2 + 1, hashes = hashes[:$3]%s WHERE first = $1', kept,
                CASE kind WHEN 'issued' THEN ', amounts = amounts[:$3]' ELSE '' END) USING place, deep, low;
            PERFORM split_bucket(kind, number, place);
            PERFORM split_bucket(kind, number, high);
        END $$;
    CREATE FUNCTION merge_tokens(kind text, number integer, source text) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            place uuid;
            added bigint;
            total bigint;
            wide uuid[];
        BEGIN
            EXECUTE format('SELECT count(*) FROM %s', source) INTO total;
            EXECUTE format($sql$
                WITH placed AS MATERIALIZED (
                    SELECT b.first, array_agg(s.hash) AS hashes%3$s FROM %1$s AS s CROSS JOIN LATERAL
                        (SELECT k.first FROM %2$I AS k WHERE k.first <= s.hash ORDER BY k.first DESC LIMIT 1) AS b
                    GROUP BY b.first),
                merged AS MATERIALIZED (
                    SELECT k.first, cardinality(k.hashes) AS before, m.* FROM placed AS p JOIN %2$I AS k USING (first)
                    CROSS JOIN LATERAL (%4$s) AS m),
                written AS (
                    UPDATE %2$I AS k SET hashes = m.hashes%5$s FROM merged AS m WHERE k.first = m.first
                    RETURNING k.first, cardinality(k.hashes) AS size, m.before)
                SELECT coalesce(sum(size - before), 0), array_agg(first) FILTER (WHERE size > 64) FROM written
                $sql$, source, kind || '_' || number,
                CASE kind WHEN 'issued' THEN ', array_agg(s.amount) AS amounts' ELSE '' END,
                CASE kind WHEN 'issued' THEN 'SELECT array_agg(hash ORDER BY hash) AS hashes,'
                    ' array_agg(amount ORDER BY hash) AS amounts'
                    ' FROM (SELECT DISTINCT ON (hash) hash, amount FROM (SELECT * FROM unnest(k.hashes, k.amounts)'
                    ' UNION ALL SELECT * FROM unnest(p.hashes, p.amounts)) AS u (hash, amount) ORDER BY hash) AS t'
                ELSE 'SELECT ARRAY(SELECT DISTINCT hash FROM unnest(k.hashes || p.hashes) AS u (hash) ORDER BY hash) AS hashes' END,
                CASE kind WHEN 'issued' THEN ', amounts = m.amounts' ELSE '' END) INTO added, wide;
            IF added <> total THEN
                RAISE EXCEPTION 'tokens are recorded once';
            END IF;
            FOREACH place IN ARRAY coalesce(wide, '{}') LOOP
                PERFORM split_bucket(kind, number, place);
            END LOOP;
        END $$;
    -- How many tokens are packed, but no more than were asked for are counted.
    CREATE FUNCTION packed_tokens(kind text, number integer, most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            known bigint;
        BEGIN
            EXECUTE format('SELECT coalesce(sum(cardinality(hashes)), 0) FROM (SELECT hashes FROM %I LIMIT %s) AS counted',
                kind || '_' || number, most / 16 + 1) INTO known;
            RETURN known;
        END $$;
    """
    + f"""
    CREATE OR REPLACE FUNCTION make_token_tables(number integer) RETURNS void {_OWNER} $$
        DECLARE
            kind text;
        BEGIN
            EXECUTE format($sql$ {loose_tables("fresh", "%1$s")}; {loose_tables("aside", "%1$s")}; {packed_tables("%1$s")} $sql$,
                number);
            FOREACH kind IN ARRAY ARRAY['spent', 'issued'] LOOP
                IF session_user <> current_user THEN
                    EXECUTE format('REVOKE INSERT ON %I FROM %I', kind || '_' || number, session_user);
                END IF;
                PERFORM fill_buckets(kind, number, format('%I', 'fresh_' || kind || '_' || number));
            END LOOP;
        END $$;
    CREATE OR REPLACE FUNCTION drop_token_tables(closed integer) RETURNS void {_OWNER} $$
        BEGIN
            IF EXISTS (SELECT 1 FROM keyset WHERE number = closed AND state = 'closed') THEN
                DELETE FROM denomination WHERE keyset = closed;
                EXECUTE format('DROP TABLE fresh_spent_%1$s, aside_spent_%1$s, spent_%1$s,'
                    ' fresh_issued_%1$s, aside_issued_%1$s, issued_%1$s', closed);
            END IF;
        END $$;
    DROP FUNCTION mix_tokens(text, integer, integer, integer);
    -- Whether there are tokens aside that nobody packs. Of a large table only a crowd of fresh ones is set aside.
    CREATE FUNCTION set_aside(kind text, number integer, small integer, crowd integer) RETURNS boolean {_OWNER} $$
        DECLARE
            aside text := 'aside_' || kind || '_' || number;
            fresh text := 'fresh_' || kind || '_' || number;
            added bigint;
            waiting boolean;
        BEGIN
            -- Whoever packs empties tables: nobody's turn waits for that.
            IF NOT pg_try_advisory_xact_lock({PACKING}) THEN
                RETURN false;
            END IF;
            EXECUTE format('SELECT EXISTS (SELECT FROM %I)', aside) INTO waiting;
            IF waiting THEN
                RETURN true;
            END IF;
            EXECUTE format('SELECT count(*) FROM %I', fresh) INTO added;
            IF added = 0 OR (added < crowd AND packed_tokens(kind, number, small) >= small) THEN
                RETURN false;
            END IF;
            EXECUTE format('LOCK TABLE %I, %I IN ACCESS EXCLUSIVE MODE', fresh, aside);
            EXECUTE format('ALTER TABLE %I RENAME TO exchanged', aside);
            EXECUTE format('ALTER TABLE %I RENAME TO %I', fresh, aside);
            EXECUTE format('ALTER TABLE exchanged RENAME TO %I', fresh);
            RETURN true;
        END $$;
    CREATE FUNCTION pack_tokens(kind text, number integer, small integer) RETURNS void SET enable_seqscan = on {_OWNER} $$
        DECLARE
            kept text := format('%I', kind || '_' || number);
            aside text := format('%I', 'aside_' || kind || '_' || number);
            added bigint;
        BEGIN
            EXECUTE format('SELECT count(*) FROM %s', aside) INTO added;
            IF added = 0 THEN
                RETURN;
            END IF;
            IF packed_tokens(kind, number, greatest(small, added)) < greatest(small, added) THEN
                EXECUTE format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', aside, kept);
                EXECUTE format('CREATE TEMPORARY TABLE mixed ON COMMIT DROP AS'
                    ' SELECT unnest(hashes) AS hash%s FROM %s UNION ALL TABLE %s',
                    CASE kind WHEN 'issued' THEN ', unnest(amounts) AS amount' ELSE '' END, kept, aside);
                EXECUTE format('TRUNCATE %s', kept);
                PERFORM fill_buckets(kind, number, 'pg_temp.mixed');
                DROP TABLE pg_temp.mixed;
            ELSE
                PERFORM merge_tokens(kind, number, aside);
            END IF;
            EXECUTE format('TRUNCATE %s', aside);
        END $$;
    DO $pack$
        DECLARE
            number integer;
            kind text;
        BEGIN
            FOR number IN SELECT k.number FROM keyset AS k WHERE k.state <> 'closed' LOOP
                FOREACH kind IN ARRAY ARRAY['spent', 'issued'] LOOP
                    EXECUTE format('ALTER TABLE %I RENAME TO %I', kind || '_' || number, 'loose_' || kind);
                    EXECUTE format('ALTER INDEX %I RENAME TO %I', kind || '_' || number || '_pkey', 'loose_' || kind || '_pkey');
                END LOOP;
                EXECUTE format($sql$ {loose_tables("aside", "%1$s")}; {packed_tables("%1$s")} $sql$, number);
                FOREACH kind IN ARRAY ARRAY['spent', 'issued'] LOOP
                    PERFORM fill_buckets(kind, number, 'loose_' || kind);
                    EXECUTE format('DROP TABLE %I', 'loose_' || kind);
                END LOOP;
            END LOOP;
        END $pack$;
    """
)
MIGRATIONS = (_TABLES, _QUOTES_GO, _PACKED)
# Those that the mint's user may call.
FUNCTIONS = (
    "make_token_tables(integer)",
    "drop_token_tables(integer)",
    "set_aside(text, integer, integer, integer)",
    "pack_tokens(text, integer, integer)",
    "mix_quotes(integer)",
)
