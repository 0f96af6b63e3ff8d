"""Each service runs in an environment that holds its own package, what that declares, and nothing else.

The strongest wall: what is not installed cannot be imported, by no trick. Catches every way across, dynamic imports too;
cannot catch data that is passed along (the bridge's frozen fields do). Left out of the default run; `just isolated`.
Needs the packages of `requirements.lock` in uv's cache or a network; without both it is skipped, and in CI it fails.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.tidy.tree import ROOT, Workspace, distribution_name, import_name

from amparo_log.view import OWNERS
from amparo_service.client import Client

pytestmark = pytest.mark.isolated

SERVICES = ("log", "mint", "office", "shops")
# The signer too, which is no service: it listens on a socket and answers the mint alone; and the phone apps' server, which has no
# keys.
ALONE = (*SERVICES, "signer", "apps")
UV = Path(sys.executable).with_name("uv")
_NO_NETWORK = (
    "dns error",
    "failed to connect",
    "connection refused",
    "network is unreachable",
    "timed out",
    "error sending",
)

# Imports every module of a package; the second argument, when given, is a folder to look in first.
IMPORT_ALL = """
import importlib, importlib.util, os, pkgutil, sys
sys.path[:0] = sys.argv[2:]
if importlib.util.find_spec("django"):  # its models load only once it is set up, and only the office has any
    import django
    os.environ["DJANGO_SETTINGS_MODULE"] = "amparo_office.desk.settings"
    django.setup()
package = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    try:
        importlib.import_module(found.name)
    except ModuleNotFoundError as error:
        if error.name != "pkcs11":  # an extra of the signer, loaded only where a token is asked for
            raise
    print(found.name)
"""


@dataclass(frozen=True)
class Environment:
    """One service's own virtual environment."""

    service: str
    python: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run its Python, cut off from this checkout: no PYTHONPATH, no user packages, no current folder."""
        return subprocess.run(
            [self.python, "-I", "-W", "error", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.python.parent,
        )

    def imports(self, module: str) -> subprocess.CompletedProcess[str]:
        """Try to import one module."""
        return self.run("-c", f"import {module}")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Our packages as wheels, built with this environment's own hatchling: nothing is fetched for it."""
    workspace, folder = Workspace(), tmp_path_factory.mktemp("wheels")
    needed = sorted(set().union(*(workspace.needs(service) for service in ALONE)))

    def build(package: str) -> Path:
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / package)],
            cwd=ROOT / "packages" / package,
            check=True,
            capture_output=True,
        )
        return next((folder / package).glob("*.whl"))

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(needed, pool.map(build, needed), strict=True))


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> dict[str, Environment]:
    """An environment for each service."""
    return {service: make_environment(service, tmp_path_factory.mktemp(service), wheels) for service in ALONE}


def make_environment(service: str, folder: Path, wheels: dict[str, Path]) -> Environment:
    """A new environment with this service. Our own wheels are named one by one, as its declarations want them; the
    installer takes everything else from what those wheels declare, in the versions of the lock."""
    if not UV.exists():
        pytest.skip("uv is not in this environment; it is a development dependency")
    python = folder / "venv" / "bin" / "python"
    _uv("venv", "--python", sys.executable, str(python.parent.parent))
    ours = [str(wheels[each]) for each in sorted(Workspace().needs(service))]
    install = ("pip", "install", "--python", str(python), "--constraint", str(ROOT / "requirements.lock"), *ours)
    try:
        _uv(*install, "--offline")
    except subprocess.CalledProcessError:
        try:
            _uv(*install)
        except subprocess.CalledProcessError as error:
            if "CI" not in os.environ and any(sign in error.stderr.lower() for sign in _NO_NETWORK):
                pytest.skip("the packages are not in uv's cache and there is no network")
            pytest.fail(f"{service} cannot be installed alone: {error.stderr}")
    return Environment(service, python)


def _uv(*arguments: str) -> None:
    subprocess.run([UV, "--quiet", *arguments], check=True, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("service", ALONE)
def test_a_service_is_installed_with_what_it_declares_and_no_more(
    environments: dict[str, Environment], service: str
) -> None:
    script = "import importlib.metadata as m\nprint(*sorted({d.metadata['Name'] for d in m.distributions()}))"
    done = environments[service].run("-c", script)
    assert done.returncode == 0, done.stderr
    ours = {name for name in done.stdout.split() if name.startswith("amparo")}
    assert ours == {distribution_name(each) for each in Workspace().needs(service)}
    assert not {"pytest", "hatchling", "mypy"} & set(done.stdout.split())


@pytest.mark.parametrize("service", ALONE)
def test_every_module_of_a_service_loads_alone(environments: dict[str, Environment], service: str) -> None:
    for package in sorted(Workspace().needs(service)):
        done = environments[service].run("-c", IMPORT_ALL, import_name(package))
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()


@pytest.mark.parametrize("service", ALONE)
def test_a_service_cannot_import_what_is_beyond_its_walls(environments: dict[str, Environment], service: str) -> None:
    workspace = Workspace()
    absent = set(workspace.packages) - workspace.needs(service)
    assert workspace.walls()[service] <= absent
    for package in sorted(absent):
        done = environments[service].imports(import_name(package))
        assert done.returncode != 0
        assert f"No module named '{import_name(package)}'" in done.stderr


def test_the_walls_of_the_house_are_among_those_tried() -> None:
    walls = Workspace().walls()
    assert {"office", "credentials", "rules", "shops"} <= walls["mint"]
    assert {"cashu", "purse", "mint", "shops", "signer"} <= walls["office"]
    assert {"log", "mint", "office", "service", "shops", "wallet"} <= walls["signer"]
    assert {"office", "credentials", "cashu", "purse", "mint"} <= walls["shops"]
    assert {"credentials", "rules", "cashu"} <= walls["log"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_makes_its_keys_alone(environments: dict[str, Environment], service: str, tmp_path: Path) -> None:
    printed = {"log": ["vkey"], "mint": ["jwk"]}
    # The office logs wallets in, and the shops side tills.
    assert list(public_keys(environments[service], tmp_path / service)) == printed.get(service, ["jwk", "login"])


def public_keys(environment: Environment, data: Path) -> dict[str, Any]:
    """What the service prints with `--keys`."""
    done = environment.run("-m", import_name(environment.service), "--data", str(data), "--keys")
    assert done.returncode == 0, done.stderr
    keys: dict[str, Any] = msgspec.json.decode(done.stdout)
    return keys


# --- all four at once, each from its own environment ---------------------------------------------------------------------


@contextlib.contextmanager
def running(environment: Environment, data: Path, config: dict[str, Any]) -> Iterator[str]:
    """The service as a process of its own; gives its address once it answers."""
    (data / "config.json").write_bytes(msgspec.json.encode(config))
    with (data / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [environment.python, "-I", "-m", import_name(environment.service), "--data", str(data)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd=data,
        )
        try:
            address, deadline = data / "address", time.monotonic() + 20
            while not address.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            assert address.exists(), (data / "errors").read_text()
            yield address.read_text()
        finally:
            process.terminate()
            process.wait(10)


@contextlib.contextmanager
def running_signer(environment: Environment, data: Path) -> Iterator[Path]:
    """The signer as a process of its own; gives its socket once somebody listens there."""
    with tempfile.TemporaryDirectory(prefix="amparo-") as short:  # a socket's path may not be long
        sock = Path(short) / "sock"
        process = subprocess.Popen(
            [environment.python, "-I", "-m", "amparo_signer", "--data", str(data), "--socket", str(sock)],
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 20
            while not sock.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            assert sock.exists()
            yield sock
        finally:
            process.terminate()
            process.wait(10)


def test_all_four_services_and_the_signer_run_each_in_its_own_environment(
    environments: dict[str, Environment], tmp_path: Path
) -> None:
    folders = {service: tmp_path / service for service in SERVICES}
    keys = {service: public_keys(environments[service], folders[service]) for service in SERVICES}
    publishers = [
        {"jwk": keys[each]["jwk"], "kinds": [kind for kind, owner in OWNERS.items() if owner in {None, each}]}
        for each in ("mint", "office", "shops")
    ]
    with contextlib.ExitStack() as stack:

        def start(service: str, **config: Any) -> str:
            return stack.enter_context(running(environments[service], folders[service], config))

        urls = {"log": start("log", publishers=publishers)}
        log = {"log_url": urls["log"], "log_vkey": keys["log"]["vkey"]}
        urls["shops"] = start("shops", **log, debtor_name="Programme", debtor_account="PROGRAMME-1", currency="EUR")
        sock = stack.enter_context(running_signer(environments["signer"], tmp_path / "signer"))
        urls["mint"] = start("mint", **log, shops_url=urls["shops"], signer=str(sock))
        urls["office"] = start("office", **log, mint_url=urls["mint"], issuer="town.example", contact="+000")
        for service, url in urls.items():
            client = Client(url)
            assert client.get("/health", dict[str, Any])["service"] == service
            client.close()


# --- planted breaches ------------------------------------------------------------------------------------------------------


@pytest.fixture
def leaky_mint(tmp_path: Path) -> Path:
    """A folder with a copy of the mint's package, to plant a breach in."""
    shutil.copytree(ROOT / "packages" / "mint" / "src" / "amparo_mint", tmp_path / "amparo_mint")
    return tmp_path


def test_a_mint_that_imports_the_office_does_not_load(environments: dict[str, Environment], leaky_mint: Path) -> None:
    control = environments["mint"].run("-c", IMPORT_ALL, "amparo_mint", str(leaky_mint))
    assert control.returncode == 0, control.stderr
    (leaky_mint / "amparo_mint" / "leak.py").write_text("import amparo_office\n")
    done = environments["mint"].run("-c", IMPORT_ALL, "amparo_mint", str(leaky_mint))
    assert done.returncode != 0
    assert "No module named 'amparo_office'" in done.stderr


def test_a_mint_that_reaches_the_office_at_run_time_by_a_made_up_name_fails(
    environments: dict[str, Environment], leaky_mint: Path
) -> None:
    (leaky_mint / "amparo_mint" / "leak.py").write_text(
        "def reach():\n    import importlib\n\n    return importlib.import_module('amparo_' + 'office')\n"
    )
    script = f"import sys; sys.path.insert(0, {str(leaky_mint)!r})\nfrom amparo_mint.leak import reach\nreach()"
    done = environments["mint"].run("-c", script)
    assert done.returncode != 0
    assert "No module named 'amparo_office'" in done.stderr
