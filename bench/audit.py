"""An audit as anybody can run it, beside the hashes and signatures that it cannot leave out: `python -m bench.audit`.

Without arguments a year of a log is made and served by the real log process; `--url` and `--vkey` audit a log that is
there, a demo town's for example (its page prints both).
"""

import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from amparo.audit.checks import run_checks
from amparo.audit.service import Audit, run_audit
from amparo_common import canonical
from amparo_common.bridge import LOG_TYP, KeyAnnounced, LogEntry, SignedMessage
from amparo_common.signing import PublicJwk, b64url, unb64url
from amparo_log.client import LogReader
from amparo_log.note import NoteVerifier
from amparo_log.tree import leaf_hash, node_hash
from amparo_log.view import LogView
from amparo_rules.rule import read_rule
from amparo_service.client import Client
from bench.made_log import MadeLog
from bench.processes import service
from bench.report import Figure, Report, arguments, machine, middle

TURNS = 5


class CountingFetch:
    """Reads a log over HTTP and counts what came."""

    def __init__(self, url: str) -> None:
        self._client = Client(url)
        self.requests = 0
        self.received = 0

    def get_bytes(self, path: str) -> bytes:
        """The bytes at `path`."""
        found = self._client.get_bytes(path)
        self.requests += 1
        self.received += len(found)
        return found


def main() -> None:
    """The command."""
    parser = arguments("An audit of a public log, beside the bare hashes and signatures.")
    parser.add_argument("--months", type=int, default=12, help="months of the made log (default: 12)")
    parser.add_argument("--programmes", type=int, default=2, help="programmes of the made log (default: 2)")
    parser.add_argument("--url", help="audit this log instead")
    parser.add_argument("--vkey", help="with --url: the log's public key")
    given = parser.parse_args()
    if (given.url is None) != (given.vkey is None):
        parser.error("--url and --vkey belong together")
    with tempfile.TemporaryDirectory(prefix="amparo-bench-") as name:
        folder = Path(name)
        if given.url is not None:
            report = _measure(folder, given.url, given.vkey, {"log": "the one asked for"})
        else:
            made = MadeLog(folder / "log", folder / "clock")
            made.live(months=given.months, programmes=given.programmes)
            made.close()
            about = {"months": given.months, "programmes": given.programmes}
            with service("log", folder / "log", clock=folder / "clock") as url:
                report = _measure(folder, url, made.vkey, about)
    report.write(as_json=given.as_json)


def _measure(folder: Path, url: str, vkey: str, about: dict[str, str | int | float]) -> Report:
    facts = machine() | about
    entries, view, fetch = _read(url, vkey)
    bodies = [canonical.encode(entry) for entry in entries]
    signed = [_bare_signature(entry.entry, _publishers(entries)) for entry in entries]
    audits, bare, reading, checking = [], [], [], []
    for turn in range(TURNS):
        audit, seconds = _timed_audit(folder / f"seen-{turn}", url, vkey)
        audits.append(seconds)
        began = time.perf_counter()
        _bare(bodies, signed)
        bare.append(time.perf_counter() - began)
        began = time.perf_counter()
        _read(url, vkey)
        reading.append(time.perf_counter() - began)
        read_rule.cache_clear()
        began = time.perf_counter()
        run_checks(view)
        checking.append(time.perf_counter() - began)
    if not audit.passed:
        raise SystemExit("The audit found something wrong; run `amparo audit` to read what.")
    facts |= {"entries": len(entries), "kB read": fetch.received / 1000, "requests": fetch.requests}
    return Report(
        "An audit of a public log over HTTP, from nothing but its address and key",
        facts,
        [
            Figure(
                "A whole audit",
                middle(audits),
                "s",
                f"Anybody can redo all of it: {len(entries):,} entries, {fetch.received / 1000:,.0f} kB. The rest beside the"
                " bare loop is HTTP, reading the JSON strictly, and the rules' examples computed again.",
                "a bare loop of the same hashes and signature checks",
                middle(bare),
            ),
            Figure("  of it: reading and proving every entry", middle(reading), "s", "HTTP, tree, signatures, JSON."),
            Figure("  of it: the checks", middle(checking), "s", "Rules read and computed again, then the sums."),
        ],
    )


def _timed_audit(memory: Path, url: str, vkey: str) -> tuple[Audit, float]:
    read_rule.cache_clear()  # an auditor comes with nothing
    began = time.perf_counter()
    audit = run_audit(url, vkey, memory=memory)
    return audit, time.perf_counter() - began


def _read(url: str, vkey: str) -> tuple[list[LogEntry], LogView, CountingFetch]:
    """Everything the log says, read as `LogFollower` reads it."""
    fetch = CountingFetch(url)
    reader, view, entries = LogReader(fetch, NoteVerifier(vkey)), LogView(), []
    reader.update()
    for index, entry in reader.entries():
        view.add(index, entry)
        entries.append(entry)
    return entries, view, fetch


BareSignature = tuple[ec.EllipticCurvePublicKey, bytes, bytes]


def _publishers(entries: list[LogEntry]) -> dict[str, ec.EllipticCurvePublicKey]:
    """The publishers' keys by key id, as `cryptography` has them."""
    found = {}
    for entry in entries:
        body = entry.entry.body
        if isinstance(body, KeyAnnounced) and body.jwk is not None and entry.entry.by not in found:
            found[entry.entry.by] = _public_key(body.jwk)
    return found


def _public_key(jwk: PublicJwk) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(unb64url(each), "big") for each in (jwk.x, jwk.y))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _bare_signature(message: SignedMessage, keys: dict[str, ec.EllipticCurvePublicKey]) -> BareSignature:
    """Key, DER signature and signed bytes: everything ready for one call of `cryptography`."""
    head = b64url(canonical.encode({"alg": "ES256", "kid": message.by, "typ": LOG_TYP}))
    raw = unb64url(message.sig)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    return keys[message.by], der, f"{head}.{b64url(canonical.encode(message.body))}".encode()


def _bare(bodies: list[bytes], signed: list[BareSignature]) -> bytes:
    """The tree's root from all leaves, and every signature: nothing else."""
    algorithm = ec.ECDSA(hashes.SHA256())
    for key, der, message in signed:
        key.verify(der, message, algorithm)
    level = [leaf_hash(body) for body in bodies]
    while len(level) > 1:
        above = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = above + level[len(above) * 2 :]
    return level[0]


if __name__ == "__main__":
    main()
