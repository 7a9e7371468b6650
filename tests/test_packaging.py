"""The grammar lies outside the package: it must be found from a wheel as from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import legonet
from legonet.syntax.grammar import grammar_text

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel would put into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site: Path, code: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=site.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout.strip()


def test_the_wheel_carries_the_grammar_and_the_types(unpacked: Path) -> None:
    carried = unpacked / "legonet" / "syntax" / "lego.lark"
    assert carried.read_text() == grammar_text()
    assert (unpacked / "legonet" / "py.typed").exists()


def test_a_spec_is_checked_from_the_wheel(unpacked: Path) -> None:
    spec = REPOSITORY / "specs" / "quickstart.lego"
    printed = run(
        unpacked,
        "import legonet; print(legonet.__file__); "
        f"print(len(legonet.load({str(spec)!r}).spec.adapters))",
    )
    file, adapters = printed.splitlines()
    assert Path(file).is_relative_to(unpacked)
    assert adapters == "8"


def test_the_repository_has_one_grammar() -> None:
    assert (REPOSITORY / "grammar" / "lego.lark").read_text() == grammar_text()


def test_the_version_is_the_packages(unpacked: Path) -> None:
    (metadata,) = unpacked.glob("*.dist-info/METADATA")
    assert f"\nVersion: {legonet.__version__}\n" in metadata.read_text()
