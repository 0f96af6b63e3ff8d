"""The C batch is built where there is a compiler, is used only if it fits, and is done without where it is not."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packages.signer.hatch_build import compile_batch

from amparo_signer.batch import choose_engine, load_batch

PACKAGE = Path(__file__).parents[1]
SOURCE = PACKAGE / "src" / "amparo_signer" / "batch.c"
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the C source to play with."""
    return Path(shutil.copy(SOURCE, tmp_path / "batch.c"))


@needs_compiler
def test_the_source_compiles_without_a_warning_and_is_used(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "cc -Werror -Wpedantic")
    library = source.with_name("batch.library")
    assert compile_batch(source, library) == ""
    found = load_batch(library, source)
    assert found is not None
    assert sorted(path.name for path in source.parent.iterdir()) == ["batch.c", "batch.library"]


@needs_compiler
def test_a_library_made_from_another_source_is_not_used(source: Path) -> None:
    library = source.with_name("batch.library")
    assert compile_batch(source, library) == ""
    source.write_text(source.read_text() + "\n/* changed */\n")
    assert load_batch(library, source) is None


@needs_compiler
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"Cashu_DLEQ_R_v1"', '"Cashu_DLEQ_R_v2"'),
        ('"Secp256k1_HashToCurve_Cashu_"', '"Secp256k1_HashToCurve_Cashv_"'),
        ("return different == 0;", "return 1;"),
        ("0x428a2f98", "0x428a2f99"),
    ],
)
def test_a_library_that_computes_wrongly_is_not_used(source: Path, right: str, wrong: str) -> None:
    text = source.read_text()
    assert right in text
    source.write_text(text.replace(right, wrong))
    library = source.with_name("batch.library")
    assert compile_batch(source, library) == ""
    assert load_batch(library, source) is None


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF"])
def test_what_is_no_library_is_not_used(source: Path, content: bytes) -> None:
    library = source.with_name("batch.library")
    assert load_batch(library, source) is None
    library.write_bytes(content)
    assert load_batch(library, source) is None


@needs_compiler
def test_another_library_is_not_used(source: Path) -> None:
    other = source.with_name("other.c")
    other.write_text("int other(void) { return 1; }\n")
    library = source.with_name("batch.library")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, other], check=True)
    assert load_batch(library, source) is None


@needs_compiler
def test_here_the_batch_is_built_and_chosen_unless_plain_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMPARO_SIGNER_PLAIN", raising=False)
    assert choose_engine().name == "batch", "install the package again: packages/signer/README.md says how"
    assert choose_engine(plain=True).name == "plain"
    monkeypatch.setenv("AMPARO_SIGNER_PLAIN", "1")
    assert choose_engine().name == "plain"


def test_without_the_library_the_fallback_is_chosen(source: Path) -> None:
    assert choose_engine(folder=source.parent).name == "plain"


def test_without_a_compiler_there_is_one_line_of_reason_and_no_library(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = source.with_name("batch.library")
    library.write_bytes(b"of an earlier source")
    monkeypatch.setenv("CC", "no-such-compiler")
    assert compile_batch(source, library) == "no compiler no-such-compiler"
    monkeypatch.setenv("CC", "false")
    assert compile_batch(source, library) == "the compiler failed, CalledProcessError"
    assert [path.name for path in source.parent.iterdir()] == ["batch.c"]


def build(folder: Path, compiler: str) -> tuple[str, str, list[str]]:
    """Build a wheel from a copy of the package: its file name, what was said, the files in it."""
    copy = folder / "signer"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "tests", "batch.library*"))
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "out"],
        cwd=copy,
        env={"PATH": "/usr/bin:/bin", "CC": compiler},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (wheel,) = (folder / "out").iterdir()
    with zipfile.ZipFile(wheel) as opened:
        return wheel.name, done.stdout + done.stderr, opened.namelist()


@needs_compiler
def test_a_wheel_carries_the_library_and_says_for_which_platform_it_is(tmp_path: Path) -> None:
    name, said, files = build(tmp_path, "cc")
    assert not name.endswith("-any.whl")
    assert "plain fallback" not in said
    assert {"amparo_signer/batch.library", "amparo_signer/batch.c", "amparo_signer/py.typed"} <= set(files)


def test_a_wheel_built_without_a_compiler_is_for_every_platform_and_says_so(tmp_path: Path) -> None:
    name, said, files = build(tmp_path, "no-such-compiler")
    assert name.endswith("-py3-none-any.whl")
    assert "no C batch (no compiler no-such-compiler); the plain fallback will be used" in said
    assert "amparo_signer/batch.library" not in files
    assert "amparo_signer/plain.py" in files
