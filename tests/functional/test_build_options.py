"""What `legonet build` takes, and what it says of what it cannot take."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kit.specs import write_spec

from legonet.cli.arguments import Place
from legonet.cli.commands.build import build


def said(*arguments: str) -> Result:
    return CliRunner().invoke(build, list(arguments), prog_name="legonet build")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--jobs", "0"), "0 is not in the range x>=1"),
        (("--jobs", "many"), "'many' is not a valid integer"),
        (("--memory", "8"), "expected a unit, as in 8GiB, found `8`"),
        (("--memory", "much"), "expected an amount of memory such as 8GiB or 500MB, found `much`"),
        (("--memory", "-1GiB"), "found `-1GiB`"),
        (("--memory", "0GiB"), "expected more than nothing, found `0GiB`"),
        (("--device", "gpu"), "expected cpu, cuda or cuda:N, found `gpu`"),
        (("--executor", "slurm"), "expected one of local, processes, threads, ray, found `slurm`"),
        (("--address", "ray://head:10001"), "--address names a Ray cluster; add --executor ray"),
    ],
)
def test_a_wrong_value_is_named_with_what_to_write(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    told = said(str(write_spec(tmp_path)), *arguments)
    assert told.exit_code == 2
    assert words in told.stderr
    assert not (tmp_path / ".legonet").exists()


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    told = said(str(write_spec(tmp_path)), "--device", "cuda:99")
    assert told.exit_code == 2
    assert "--device: torch cannot compute on `cuda:99`: " in told.stderr


def test_the_help_fits_80_columns_and_names_the_log() -> None:
    told = CliRunner().invoke(build, ["--help"], terminal_width=80)
    assert told.exit_code == 0
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert "events.jsonl" in " ".join(told.stdout.split())
    assert "Ctrl-C while it waits ends it with exit code 0" in " ".join(told.stdout.split())


@pytest.mark.parametrize("url", ["s3://bucket/store", "memory://x//y", "gs://a/../b"])
def test_a_url_of_a_store_stays_what_it_is(url: str) -> None:
    assert Place().convert(url, None, None) == url


def test_a_store_without_a_scheme_is_a_folder() -> None:
    assert Place().convert("../store", None, None) == Path("../store")
