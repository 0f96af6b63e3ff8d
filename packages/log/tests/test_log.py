"""The log through its public interface: append, read back, prove, and catch a rewriting."""

import contextlib
import gzip
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from amparo_common import canonical
from amparo_common.bridge import KeyAnnounced, LogEntry, RulePublished, SignedMessage, sign_for_log
from amparo_common.clock import FixedClock, to_text
from amparo_common.errors import BadSignature
from amparo_common.signing import SigningKey
from amparo_log.client import LogReader
from amparo_log.errors import BadNote, BadProof, LogRewritten, UnknownPublisher
from amparo_log.fork import ForkEvidence, Judged, judge
from amparo_log.http import routes
from amparo_log.note import NoteSigner, NoteVerifier, open_checkpoint
from amparo_log.packed import PackedBundles
from amparo_log.service import Publisher, TransparencyLog
from amparo_log.store import SCHEMA
from amparo_log.tiles import pack_entries, parse_index, tile_path, unpack_entries
from amparo_log.tree import leaf_hash
from amparo_log.view import LogView
from amparo_service.database import Database
from amparo_service.http import make_app

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
KEY = SigningKey.generate()
SIGNER = NoteSigner("town.example/log", bytes(range(32)))


def rule(number: int) -> SignedMessage:
    body = RulePublished(programme="food", version=str(number), rule_hash="0" * 64, notice_days=7, file="x" * number)
    return sign_for_log(body, KEY)


class Town:
    """A log in a folder, with a client that reads it over its real HTTP edge."""

    def __init__(self, path: Path) -> None:
        publishers = {KEY.kid: Publisher(KEY.public, frozenset({"rule-published"}))}
        self.log = TransparencyLog(Database(path, [SCHEMA]), SIGNER, publishers=publishers, clock=FixedClock(NOON))
        self.http = TestClient(make_app(routes(self.log, practice=True)))

    def get_bytes(self, path: str) -> bytes:
        response = self.http.get(path)
        assert response.status_code == 200, path
        return response.content

    def reader(self, seen: str | None = None) -> LogReader:
        return LogReader(self, NoteVerifier(SIGNER.vkey), seen=seen)


class Mirror:
    """A copy of a log that anybody may run. `instead`: what it sends in place of the true bytes. `asked`: the paths."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.instead: dict[str, bytes] = {}
        self.asked: list[str] = []

    def get_bytes(self, path: str) -> bytes:
        self.asked.append(path)
        return self.instead.get(path) or self._town.get_bytes(path)

    def spoil(self, path: str) -> None:
        """One bit of this path's bytes is turned from now on."""
        content = bytearray(self._town.get_bytes(path))
        content[0] ^= 1
        self.instead[path] = bytes(content)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path / "log.sqlite")


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 600])
def test_what_is_appended_is_read_back_in_order(town: Town, count: int) -> None:
    for number in range(count):
        assert town.log.append(rule(number)) == number
    reader = town.reader()
    assert reader.update().size == count
    found = [entry.entry.body for _, entry in reader.entries()]
    assert [body.version for body in found if isinstance(body, RulePublished)] == [str(n) for n in range(count)]
    for index in {0, count // 2, count - 1} if count else set():
        assert reader.prove(index).check(reader.update()).at == "2026-10-01T12:00:00Z"


def test_a_bundle_of_entries_is_sent_packed_to_whoever_takes_that(town: Town) -> None:
    for day in range(20):
        town.log.append(rule(day))
    plain = town.http.get("/tile/entries/000.p/20", headers={"accept-encoding": "identity"})
    packed = town.http.get("/tile/entries/000.p/20", headers={"accept-encoding": "gzip"})
    assert packed.content == plain.content
    assert ("content-encoding" in plain.headers, packed.headers["content-encoding"]) == (False, "gzip")
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert int(packed.headers["content-length"]) * 3 < int(plain.headers["content-length"])
    assert "content-encoding" not in town.http.get("/tile/0/000.p/20", headers={"accept-encoding": "gzip"}).headers


@pytest.mark.parametrize(
    ("accepted", "packs"),
    [
        ("gzip", True),
        ("br, GZIP ; q=0.001, deflate", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, identity", False),
        ("x-gzipped", False),
        ("*", False),
        ("", False),
    ],
)
def test_whoever_refuses_gzip_gets_plain_entries(town: Town, accepted: str, packs: bool) -> None:
    town.log.append(rule(1))
    sent = town.http.get("/tile/entries/000.p/1", headers={"accept-encoding": accepted})
    assert ("content-encoding" in sent.headers) == packs
    assert len(unpack_entries(sent.content)) == 1


def test_a_bundle_is_packed_once_as_long_as_there_is_room() -> None:
    plain = [bytes([number]) * 1000 for number in range(4)]
    read: list[int] = []

    def bundle(number: int) -> bytes:
        read.append(number)
        return plain[number]

    size = len(gzip.compress(plain[0], compresslevel=6, mtime=0))
    kept = PackedBundles(room=2 * size)
    for number in (0, 1, 0, 2, 0, 1):
        assert gzip.decompress(kept.packed(number, 256, partial(bundle, number))) == plain[number]
    assert read == [0, 1, 2, 1]
    assert kept.packed(0, 255, partial(bundle, 3)) != kept.packed(0, 256, partial(bundle, 0))
    none = PackedBundles(room=size - 1)
    for _ in range(2):
        none.packed(0, 256, partial(bundle, 0))
    assert read[-2:] == [0, 0]


def test_the_same_message_twice_is_one_entry(town: Town) -> None:
    body = RulePublished(programme="food", version="1", rule_hash="0" * 64, notice_days=7, file="x")
    first, second = sign_for_log(body, KEY), sign_for_log(body, KEY)
    assert first.sig != second.sig
    assert town.log.append(first) == town.log.append(second) == 0
    assert town.log.store.size() == 1


def test_only_known_publishers_may_publish_and_only_their_kinds(town: Town) -> None:
    body = RulePublished(programme="food", version="1", rule_hash="0" * 64, notice_days=7, file="x")
    with pytest.raises(UnknownPublisher):
        town.log.append(sign_for_log(body, SigningKey.generate()))
    honest = sign_for_log(body, KEY)
    with pytest.raises(BadSignature):
        town.log.append(SignedMessage(body=rule(2).body, by=honest.by, sig=honest.sig))


OFFICE, MINT, BOTH, ONLY_KEYS = (SigningKey.generate() for _ in range(4))
KINDS = {
    OFFICE: {"key-announced", "rule-published", "aid-approved"},
    MINT: {"key-announced", "keyset-announced", "mint-figures"},
    BOTH: {"key-announced", "rule-published", "mint-figures"},
    ONLY_KEYS: {"key-announced"},
}


@pytest.mark.parametrize(
    ("key", "purposes"),
    [(OFFICE, {"office", "receipts", "cards"}), (MINT, {"mint"}), (BOTH, set()), (ONLY_KEYS, set()), (KEY, set())],
    ids=["office", "mint", "both", "only-keys", "only-rules"],
)
def test_a_publisher_announces_only_the_keys_of_the_service_whose_kinds_it_publishes(
    tmp_path: Path, key: SigningKey, purposes: set[str]
) -> None:
    publishers = {each.kid: Publisher(each.public, frozenset(kinds)) for each, kinds in KINDS.items()}
    publishers[KEY.kid] = Publisher(KEY.public, frozenset({"rule-published"}))
    database = Database(tmp_path / "log.sqlite", [SCHEMA])
    log = TransparencyLog(database, SIGNER, publishers=publishers, clock=FixedClock(NOON))
    accepted = set()
    for purpose in ("office", "mint", "shops", "receipts", "cards", "witness", ""):
        with contextlib.suppress(UnknownPublisher):
            log.append(sign_for_log(KeyAnnounced(purpose=purpose, jwk=key.public.jwk), key))
            accepted.add(purpose)
    assert accepted == purposes
    assert log.store.size() == len(purposes)
    # Its own key is the one it signs with; an announcement that every reader refuses never gets in.
    for purpose in purposes & {"office", "mint"}:
        for jwk in (None, KEY.public.jwk):
            with pytest.raises(UnknownPublisher):
                log.append(sign_for_log(KeyAnnounced(purpose=purpose, jwk=jwk), key))
    database.close()


def test_a_service_stays_with_the_key_that_it_announced_first_whatever_the_configuration_says(tmp_path: Path) -> None:
    """Every reader stops at an entry by another key: a lost key and a mended config.json must not end the log for all."""
    lost, new = SigningKey.generate(), SigningKey.generate()
    database = Database(tmp_path / "log.sqlite", [SCHEMA])

    def log_of(*keys: SigningKey) -> TransparencyLog:
        publishers = {each.kid: Publisher(each.public, frozenset(KINDS[OFFICE])) for each in keys}
        return TransparencyLog(database, SIGNER, publishers=publishers, clock=FixedClock(NOON))

    first, view = rule(1).body, LogView()
    begun = log_of(lost, new)
    begun.append(sign_for_log(KeyAnnounced(purpose="office", jwk=lost.public.jwk), lost))
    for log in (begun, log_of(lost, new), log_of(new)):
        for body in (KeyAnnounced(purpose="office", jwk=new.public.jwk), first):
            with pytest.raises(UnknownPublisher, match="another key"):
                log.append(sign_for_log(body, new))
    assert log_of(lost).append(sign_for_log(first, lost)) == 1
    for place, entry in enumerate(begun.store.entries(0, 10)):
        view.add(place, canonical.decode(entry, LogEntry))
    assert view.size == 2
    database.close()


def test_a_log_that_grew_is_accepted_and_one_that_was_rewritten_is_not(town: Town, tmp_path: Path) -> None:
    for number in range(5):
        town.log.append(rule(number))
    reader = town.reader()
    reader.update()
    town.log.append(rule(5))
    assert reader.update().size == 6
    seen = reader.note
    other = Town(tmp_path / "rewritten.sqlite")
    for number in (0, 1, 7, 3, 4, 5, 8):
        other.log.append(rule(number))
    with pytest.raises(LogRewritten):
        other.reader(seen).update()
    shorter = Town(tmp_path / "shorter.sqlite")
    shorter.log.append(rule(0))
    with pytest.raises(LogRewritten):
        shorter.reader(seen).update()


def spoilt_in_turn(mirror: Mirror, paths: set[str]) -> Iterator[str]:
    """Each of the tiles among these paths, while it has another bit, and while its end is missing."""
    for path in sorted(path for path in paths if path.startswith("/tile/")):
        mirror.spoil(path)
        yield path
        mirror.instead[path] = mirror.instead[path][:-1]
        yield path
        mirror.instead.clear()


def test_a_tile_that_is_spoilt_on_the_way_is_not_taken_for_a_rewriting(town: Town) -> None:
    for number in range(300):
        town.log.append(rule(number))
    seen = head_of(town)
    for number in range(300, 600):
        town.log.append(rule(number))
    mirror = Mirror(town)
    reader = LogReader(mirror, NoteVerifier(SIGNER.vkey), seen=seen)
    LogReader(mirror, NoteVerifier(SIGNER.vkey), seen=seen).update()
    for _ in spoilt_in_turn(mirror, set(mirror.asked)):
        with pytest.raises(BadProof):
            reader.update()
        assert reader.note == seen
    assert reader.update().size == 600


@pytest.mark.parametrize("size", [1, 300])
def test_entries_that_do_not_lead_to_the_signed_root_are_refused_and_asked_for_again(town: Town, size: int) -> None:
    for number in range(size):
        town.log.append(rule(number))
    mirror = Mirror(town)
    path = "/tile/entries/000" if size > 255 else f"/tile/entries/000.p/{size}"
    bodies = unpack_entries(town.get_bytes(path))
    bodies[0] = bodies[0].replace(b'"food"', b'"fool"')
    mirror.instead[path] = pack_entries(bodies)
    # The hashes are made to fit: nothing but the signed root is believed.
    mirror.instead[path.replace("entries", "0")] = b"".join(leaf_hash(body) for body in bodies)
    reader = LogReader(mirror, NoteVerifier(SIGNER.vkey))
    reader.update()
    for refused in (reader.entries, lambda: reader.prove(0)):
        with pytest.raises(BadProof):
            refused()
    mirror.instead.clear()
    assert len(list(reader.entries())) == size
    assert reader.prove(0).check(reader.update()) == next(iter(reader.entries()))[1]


def test_the_end_of_a_log_is_read_without_its_beginning(town: Town) -> None:
    for number in range(600):
        town.log.append(rule(number))
    mirror = Mirror(town)
    reader = LogReader(mirror, NoteVerifier(SIGNER.vkey))
    for start in (0, 255, 256, 300, 512, 599, 600):
        reader.update()
        assert [place for place, _ in reader.entries(start)] == list(range(start, 600))
    mirror.asked.clear()
    LogReader(mirror, NoteVerifier(SIGNER.vkey)).entries(520)
    assert mirror.asked == ["/checkpoint", "/tile/entries/002.p/88", "/tile/1/000.p/2"]


def test_the_database_itself_refuses_to_change_or_delete_an_entry(town: Town, tmp_path: Path) -> None:
    town.log.append(rule(1))
    with sqlite3.connect(tmp_path / "log.sqlite") as connection:
        for statement in ("UPDATE entry SET body = x'00'", "DELETE FROM entry", "DELETE FROM node"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
    connection.close()


def test_a_checkpoint_of_another_key_or_with_a_changed_line_is_refused(town: Town) -> None:
    note = town.get_bytes("/checkpoint").decode()
    open_checkpoint(note, NoteVerifier(SIGNER.vkey))
    with pytest.raises(BadNote):
        open_checkpoint(note, NoteVerifier(NoteSigner("town.example/log", bytes(32)).vkey))
    with pytest.raises(BadNote):
        open_checkpoint(note.replace("\n0\n", "\n1\n"), NoteVerifier(SIGNER.vkey))


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "tile/0/000"), (67, "tile/0/067"), (1234067, "tile/0/x001/x234/067"), (1000, "tile/0/x001/000")],
)
def test_tile_paths_are_spelled_as_tlog_tiles_says(index: int, path: str) -> None:
    assert tile_path(0, index) == path
    assert parse_index(path.removeprefix("tile/0/")) == index


@pytest.mark.parametrize("bad", ["0", "x000/001", "1000", "x001/x002", "001/002", "../1", "٠٠١"])
def test_other_spellings_of_a_tile_path_are_refused(town: Town, bad: str) -> None:
    assert parse_index(bad) is None
    assert town.http.get(f"/tile/0/{bad}").status_code == 404


def test_entry_bundles_survive_a_round_trip() -> None:
    entries = [b"", b"a", b"x" * 65_535]
    assert unpack_entries(pack_entries(entries)) == entries


def test_the_logs_time_never_goes_back_when_its_clock_does(tmp_path: Path) -> None:
    publishers = {KEY.kid: Publisher(KEY.public, frozenset({"rule-published"}))}
    clock = FixedClock(NOON)
    log = TransparencyLog(Database(tmp_path / "log.sqlite", [SCHEMA]), SIGNER, publishers=publishers, clock=clock)
    log.append(rule(1))
    clock.set(NOON - timedelta(days=30))
    log.append(rule(2))
    times = [canonical.decode(body, LogEntry).at for body in log.store.entries(0, 2)]
    assert times == [to_text(NOON)] * 2


def forked(before: str, after: str) -> ForkEvidence:
    return ForkEvidence(1, "log-rewritten", SIGNER.vkey, before, after)


def head_of(town: Town) -> str:
    reader = town.reader()
    reader.update()
    return reader.note or ""


def test_a_proof_of_rewriting_is_judged_by_its_heads_and_by_the_log(town: Town, tmp_path: Path) -> None:
    other = Town(tmp_path / "other.sqlite")
    for number in range(3):
        town.log.append(rule(number))
        other.log.append(rule(number + 10))
    three, other_three = head_of(town), head_of(other)
    town.log.append(rule(3))
    four = head_of(town)
    assert judge(forked(three, other_three), SIGNER.vkey) == Judged("proved", 3, 3)
    assert judge(forked(three, three), SIGNER.vkey).verdict == "refuted"
    assert judge(forked(other_three, four), SIGNER.vkey) == Judged("open", 3, 4, "not-asked")
    assert judge(forked(other_three, four), SIGNER.vkey, town) == Judged("confirmed", 3, 4)
    assert judge(forked(three, four), SIGNER.vkey, town).verdict == "refuted"
    assert judge(forked(four, three), SIGNER.vkey, town).verdict == "refuted"


def test_a_copy_that_lags_behind_leaves_a_proof_open_unless_its_own_head_contradicts_one(
    town: Town, tmp_path: Path
) -> None:
    other, heads = Town(tmp_path / "other.sqlite"), []
    for number in range(5):
        town.log.append(rule(number))
        other.log.append(rule(number))
        heads.append((head_of(town), head_of(other)))
    late = Mirror(town)
    late.instead["/checkpoint"] = heads[2][0].encode()
    for before, after in ((heads[1][0], heads[4][0]), (heads[4][1], heads[1][0]), (heads[3][0], heads[4][1])):
        assert judge(forked(before, after), SIGNER.vkey, late).reason == "behind"
    # The copy's head is signed too: with a head that it contradicts it proves the rewriting, wherever the other one stands.
    assert judge(forked(heads[1][1], heads[4][0]), SIGNER.vkey, late).verdict == "confirmed"


def test_a_copy_that_spoils_what_it_sends_neither_frames_the_log_nor_clears_it(town: Town, tmp_path: Path) -> None:
    other = Town(tmp_path / "other.sqlite")
    for number in range(300):
        town.log.append(rule(number))
        other.log.append(rule(number + 1))
        if number == 260:
            before, contradicted = head_of(town), head_of(other)
    honest, real = forked(before, head_of(town)), forked(contradicted, head_of(town))
    mirror = Mirror(town)
    assert judge(honest, SIGNER.vkey, mirror).verdict == "refuted"
    assert judge(real, SIGNER.vkey, mirror).verdict == "confirmed"
    for _ in spoilt_in_turn(mirror, set(mirror.asked)):
        assert judge(honest, SIGNER.vkey, mirror) == Judged("open", 261, 300, "spoilt")
        assert judge(real, SIGNER.vkey, mirror) == Judged("open", 261, 300, "spoilt")
    mirror.spoil("/checkpoint")
    assert judge(real, SIGNER.vkey, mirror).reason == "spoilt"


def test_a_proof_with_a_head_that_the_log_never_signed_is_refused(town: Town) -> None:
    town.log.append(rule(0))
    head = head_of(town)
    stranger = NoteSigner("town.example/log", bytes(range(1, 33)))
    with pytest.raises(BadNote):
        judge(forked(head, stranger.sign(head.partition("\n\n")[0] + "\n")), SIGNER.vkey)
    with pytest.raises(BadNote):
        judge(forked(head, head), stranger.vkey)
