"""Specs in bad faith: each gets a clear diagnostic, and nothing that it names is run or opened."""

from __future__ import annotations

import builtins
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from legonet.diagnostics import Diagnostic
from legonet.graph import check_file
from legonet.language.expand import DEEPEST_IMPORTS
from legonet.language.growth import MOST_VALUES
from legonet.syntax.limits import MOST_MISTAKES
from legonet.syntax.read import LONGEST_TEXT

Check = Callable[[str], list[Diagnostic]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.chdir(tmp_path)

    def check_text(text: str) -> list[Diagnostic]:
        Path("spec.lego").write_text(text, encoding="utf-8")
        return check_file(Path("spec.lego"))[1]

    return check_text


def codes(found: list[Diagnostic]) -> list[str]:
    return [item.code for item in found]


def network(model: str, weights: str = '"dog.safetensors"') -> str:
    return f"network dog_net {{ model: {model}, weights: {weights} }}\n"


# What a spec names is neither run, nor imported, nor opened.


@pytest.mark.parametrize(
    "name",
    ["os.system", "subprocess.run", "builtins.eval", "torchvision.__import__", "legonet.cli"],
)
def test_a_model_that_is_on_no_list_is_never_run(name: str, check: Check, tmp_path: Path) -> None:
    found = check(network(f'{name}(command: "touch {tmp_path}/ran")'))
    assert codes(found) == ["LEGO208"]
    assert name in found[0].message
    assert not (tmp_path / "ran").exists()


def test_a_module_beside_the_spec_is_not_imported(check: Check, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    found = check(network("evil.model()") + "data pictures { source: evil.source() }\n")
    assert codes(found) == ["LEGO208", "LEGO208"]
    assert not (tmp_path / "ran").exists()


def test_files_that_a_spec_names_are_not_opened(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    plain_open = os.open
    plain_io_open = builtins.open

    def watched_open(path: object, *args: object, **more: object) -> object:
        opened.append(str(path))
        return plain_io_open(path, *args, **more)  # type: ignore[call-overload]

    def watched_os_open(path: object, *args: object, **more: object) -> int:
        opened.append(str(path))
        return plain_open(path, *args, **more)  # type: ignore[arg-type]

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a spec was to run or connect to something")

    check("")  # loads what is loaded once
    monkeypatch.setattr(builtins, "open", watched_open)
    monkeypatch.setattr("io.open", watched_open)
    monkeypatch.setattr(os, "open", watched_os_open)
    monkeypatch.setattr(os, "system", refused)
    monkeypatch.setattr(subprocess, "Popen", refused)
    monkeypatch.setattr(socket, "socket", refused)
    found = check(
        network("legonet.small_vgg(classes: 1)", '"../../etc/passwd"')
        + 'network cat_net { model: torchvision.vgg16(), weights: hub("a/b", revision: "c") }\n'
        + 'data pictures { source: manifest("/etc") }\n'
        + 'data more { source: cifar10("/root", download: true) }\n'
    )
    assert codes(found) == []
    assert {Path(path).name for path in opened} <= {"spec.lego"}


# Files that are no specs.


def test_a_file_of_100_megabytes_is_not_read(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "large.lego").open("wb") as file:
        file.truncate(100 * 2**20)
    (tmp_path / "importer.lego").write_text('import "large.lego"\n')
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("the file was read"))
    found = check_file(tmp_path / "large.lego")[1]
    assert codes(found) == ["LEGO103"]
    assert "104,857,600 bytes" in found[0].message


def test_the_largest_text_is_read_and_one_byte_more_is_not(check: Check) -> None:
    assert codes(check("#" * LONGEST_TEXT)) == []
    assert codes(check("#" * (LONGEST_TEXT + 1))) == ["LEGO103"]


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/stdin", ".", "pipe", "round", "a" * 5000])
def test_only_plain_files_are_read(target: str, check: Check, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to("about")
    (tmp_path / "about").symlink_to("round")
    found = check(f'import "{target}"\n')
    assert codes(found) == ["LEGO101"]
    assert found[0].span is not None


def test_a_path_of_a_million_characters_is_refused(check: Check) -> None:
    assert codes(check('import "' + "a/" * 500_000 + '"\n')) == ["LEGO101"]


def test_a_zero_byte_is_no_text(check: Check) -> None:
    assert codes(check('import "a\0b.lego"\n')) == ["LEGO102"]


def test_a_folder_may_be_checked_by_mistake(tmp_path: Path) -> None:
    assert codes(check_file(tmp_path)[1]) == ["LEGO101"]
    assert codes(check_file(tmp_path / "nothing.lego")[1]) == ["LEGO101"]


# Texts that are long, deep or damaged.


@pytest.mark.parametrize(
    "text",
    [
        "let a = " + "[" * 10_000 + "]" * 10_000,
        "let a = " + "f(" * 10_000 + ")" * 10_000,
        "for a in [1] {\n" * 10_000 + "}\n" * 10_000,
        "network a " + "{ train " * 10_000 + "}" * 10_000,
        "let a = " + "[" * 100_000,
    ],
)
def test_10_000_brackets_inside_of_each_other(text: str, check: Check) -> None:
    assert codes(check(text)) == ["LEGO106"]


def test_lists_that_are_nested_by_constants(check: Check) -> None:
    steps = "".join(f"let a{i + 1} = [a{i}]\n" for i in range(200))
    found = check(f"let a0 = 1\n{steps}" + network("torchvision.vgg16(x: a200)"))
    assert set(codes(found)) == {"LEGO106"}


def test_a_number_with_10_000_digits(check: Check) -> None:
    assert codes(check("let a = " + "1" * 10_000)) == ["LEGO107"]
    assert codes(check("data a { source: digits(), size: -" + "1" * 10_000 + " }")) == ["LEGO107"]
    assert codes(check("let a = 1e" + "9" * 10_000)) == ["LEGO107"]


def test_a_number_beyond_all_bounds(check: Check) -> None:
    found = check("data a { source: digits(), size: 1e999 }")
    assert codes(found) == ["LEGO206"]


def test_100_000_long_names(check: Check) -> None:
    names = "".join(f"data {'n' * 100}{i} {{ source: digits() }}\n" for i in range(100_000))
    assert codes(check(names)) == ["LEGO103"]


def test_a_name_of_a_million_characters(check: Check) -> None:
    assert codes(check("data " + "x" * 1_000_000 + " { source: digits() }")) == ["LEGO107"]


def test_a_string_of_a_million_characters_is_cut_in_the_message(check: Check) -> None:
    found = check('data a { source: digits(), size: "' + "x" * 1_000_000 + '" }')
    assert codes(found) == ["LEGO206"]
    assert len(found[0].message) < 200


@pytest.mark.parametrize(
    "line", ["$$$$", "network x { modle legonet }", "network x {", '"', "}", "= = ="]
)
def test_a_text_full_of_mistakes_is_given_up(line: str, check: Check) -> None:
    found = check(f"{line}\n" * 5_000)
    assert MOST_MISTAKES <= len(found) <= MOST_MISTAKES + 2
    assert "LEGO109" in codes(found)


def test_what_a_given_up_file_may_declare_is_not_missed(check: Check, tmp_path: Path) -> None:
    (tmp_path / "deep.lego").write_text("let a = " + "[" * 100)
    found = check(
        'import "deep.lego" as deep\ncategory dog { from: deep.dog_net, until: deep.cut }'
    )
    assert codes(found) == ["LEGO106"]


# Specs that grow.


def test_a_file_that_imports_itself(check: Check) -> None:
    found = check('import "spec.lego"\n')
    assert codes(found) == ["LEGO210"]
    assert "spec.lego -> spec.lego" in found[0].message


def test_files_that_import_each_other_in_a_long_row(check: Check, tmp_path: Path) -> None:
    for number in range(3 * DEEPEST_IMPORTS):
        (tmp_path / f"n{number}.lego").write_text(f'import "n{number + 1}.lego"\n')
    assert codes(check('import "n0.lego"\n')) == ["LEGO215"]


def test_imports_that_double(check: Check, tmp_path: Path) -> None:
    for number in range(40):
        target = f'import "n{number + 1}.lego"'
        (tmp_path / f"n{number}.lego").write_text(f"{target} as x\n{target} as y\n")
    (tmp_path / "n40.lego").write_text("let a = 1\n")
    assert codes(check('import "n0.lego"\n')) == ["LEGO215"]


def test_loops_that_would_make_a_billion_statements(check: Check) -> None:
    head = "let ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
    loops = "".join(f"for a{i} in ten {{\n" for i in range(9))
    name = "".join(f"${{a{i}}}" for i in range(9))
    found = check(f"{head}{loops}data d{name} {{ source: digits() }}\n" + "}\n" * 9)
    assert codes(found) == ["LEGO215"]
    assert f"{MOST_VALUES:,}" in found[0].message


@pytest.mark.parametrize(
    ("double", "use"),
    [
        ('"${{a{0}}}${{a{0}}}"', "data d { source: manifest(a60) }"),
        ("[a{0}, a{0}]", "network d { model: torchvision.vgg16(x: a60) }"),
        ("conv(a{0}, a{0})", "network d { model: torchvision.vgg16(x: a60) }"),
    ],
)
def test_constants_that_double(double: str, use: str, check: Check) -> None:
    steps = "".join(f"let a{i + 1} = {double.format(i)}\n" for i in range(60))
    assert codes(check(f'let a0 = "ha"\n{steps}{use}\n')) == ["LEGO215"]


def test_a_name_that_grows_in_a_loop(check: Check) -> None:
    steps = "".join(f'let a{i + 1} = "${{a{i}}}${{a{i}}}"\n' for i in range(9))
    found = check(f"let a0 = ab\n{steps}data ${{a9}} {{ source: digits() }}\n")
    assert codes(found) == ["LEGO107"]


def test_terminal_codes_do_not_reach_the_terminal(check: Check) -> None:
    found = check('data a { source: digits(), size: "\x1b[2J\u202e" }')
    assert "\x1b" not in found[0].message
    assert "\u202e" not in found[0].message


def test_a_circle_of_a_thousand_ancestors_is_told_in_short(check: Check) -> None:
    networks = "".join(
        f"network n{i} {{ model: legonet.small_vgg(classes: 1), init: n{(i + 1) % 1000} }}\n"
        for i in range(1000)
    )
    found = check(networks)
    assert codes(found) == ["LEGO301"]
    assert len(found[0].message) < 200


# Each in a process of its own: bounded time and memory, and nothing run.

PROCESSOR_SECONDS = 20
"""A guard against hanging, far above what is needed, so that no slow machine fails."""

MOST_MEMORY = 500 * 2**20
"""Bytes that the process may take in all."""

CHILD = """
import json, resource, sys
from pathlib import Path

import legonet.syntax.mistakes.recovery
from legonet.graph import check_file
from legonet.diagnostics.text import to_text

check_file(Path("small.lego"))  # imports what is imported once
resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
events = []

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if str(mode or "r").strip("btU") != "r" or (flags or 0) & 3 or not is_spec(path):
            events.append([event, str(path), str(mode)])
    elif event.startswith(("subprocess", "os.", "socket", "exec", "import", "ctypes", "compile")):
        if event not in ("os.scandir", "os.listdir"):
            events.append([event, str(arguments)[:200]])

def memory():
    status = Path("/proc/self/status")  # ru_maxrss would count the parent's memory as well
    lines = status.read_text().splitlines() if status.exists() else ["VmHWM: 0"]
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

def is_spec(path):
    return str(path).endswith(".lego")

sys.addaudithook(watch)
_, found = check_file(Path(sys.argv[1]))
watched = list(events)
for item in found:
    to_text(item)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "codes": [item.code for item in found],
    "longest": max((len(to_text(item)) for item in found), default=0),
    "events": watched,
    "seconds": usage.ru_utime + usage.ru_stime,
    "memory": memory(),
}))
"""


def checked_alone(folder: Path, spec: str = "spec.lego") -> dict[str, Any]:
    """Check a spec in a process of its own and return what it found and took."""
    (folder / "small.lego").write_text(
        "data d { source: digits() }\n"
        + network("legonet.small_vgg(classes: 1)")
        + network("torchvision.nothing()").replace("dog_net", "cat_net")
    )
    code = CHILD.replace("PROCESSOR_SECONDS", str(PROCESSOR_SECONDS))
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, spec],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    print({**result, "codes": result["codes"][:3]})  # shown by pytest -s
    return result


def digits_in_loops(folder: Path) -> str:
    loops = "".join(f"for a{i} in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] {{\n" for i in range(9))
    name = "".join(f"${{a{i}}}" for i in range(9))
    return f"{loops}data d{name} {{ source: digits() }}\n" + "}\n" * 9


def doubled_imports(folder: Path) -> str:
    for number in range(40):
        target = f'import "n{number + 1}.lego"'
        (folder / f"n{number}.lego").write_text(f"{target} as x\n{target} as y\n")
    (folder / "n40.lego").write_text("let a = 1\n")
    return 'import "n0.lego"\n'


def large_import(folder: Path) -> str:
    with (folder / "large.lego").open("wb") as file:
        file.truncate(100 * 2**20)
    return 'import "large.lego"\n'


def pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe.lego")
    return 'import "pipe.lego"\n'


def steps(double: str) -> str:
    return 'let a0 = "ha"\n' + "".join(f"let a{i + 1} = {double.format(i)}\n" for i in range(60))


HOSTILE: dict[str, tuple[set[str], Callable[[Path], str]]] = {
    "model_that_runs": ({"LEGO208"}, lambda _: network('os.system(command: "touch ran")')),
    "weights_elsewhere": (
        set(),
        lambda _: network("legonet.small_vgg(classes: 1)", '"../../../../etc/passwd"'),
    ),
    "large_import": ({"LEGO103"}, large_import),
    "lists_10_000_deep": ({"LEGO106"}, lambda _: "let a = " + "[" * 10_000 + "]" * 10_000),
    "blocks_10_000_deep": ({"LEGO106"}, lambda _: "network a " + "{ train " * 10_000),
    "loops_10_000_deep": ({"LEGO106"}, lambda _: "for a in [1] {\n" * 10_000),
    "import_of_itself": ({"LEGO210"}, lambda _: 'import "spec.lego"\n'),
    "a_billion_statements": ({"LEGO215"}, digits_in_loops),
    "doubled_imports": ({"LEGO215"}, doubled_imports),
    "doubled_lists": ({"LEGO215"}, lambda _: steps("[a{0}, a{0}]") + "data d { size: a60 }"),
    "doubled_strings": ({"LEGO215"}, lambda _: steps('"${{a{0}}}${{a{0}}}"')),
    "long_line": ({"LEGO104"}, lambda _: "let a = [" + "1, " * 60_000 + "}"),
    "long_line_of_junk": ({"LEGO104", "LEGO109"}, lambda _: "let a = " + "?" * 4_000_000),
    "long_name": ({"LEGO107"}, lambda _: "data " + "x" * 4_000_000 + " { source: digits() }"),
    "long_broken_name": (
        {"LEGO104", "LEGO109"},
        lambda _: "data x" + "-x" * 1_000_000 + " { source: digits() }",
    ),
    "long_broken_number": ({"LEGO107"}, lambda _: "let a = 1" + "_0" * 1_000_000),
    "open_interpolations": ({"LEGO104", "LEGO109"}, lambda _: "data ${x {\n" * 50_000),
    "surplus_braces": ({"LEGO104", "LEGO109"}, lambda _: "data x { }\n  }\n" * 50_000),
    "list_without_commas": ({"LEGO104"}, lambda _: "let a = [" + "1 " * 200_000 + "]"),
    "list_not_closed": (
        {"LEGO104", "LEGO109"},
        lambda _: "let a = [\n" + "let b = 1\n" * 100_000,
    ),
    "strange_spaces": ({"LEGO104", "LEGO109"}, lambda _: "let a = 1\u00a0\n" * 50_000),
    "merge_conflicts": ({"LEGO104", "LEGO109"}, lambda _: "<<<<<<< a\n=======\n" * 50_000),
    "comments_not_closed": ({"LEGO104", "LEGO109"}, lambda _: "/* \n" * 100_000),
    "endless_device": ({"LEGO101"}, lambda _: 'import "/dev/zero"\n'),
    "pipe": ({"LEGO101"}, pipe),
    "folder": ({"LEGO101"}, lambda _: 'import "."\n'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_spec_costs_little_and_runs_nothing(name: str, tmp_path: Path) -> None:
    expected, write = HOSTILE[name]
    (tmp_path / "spec.lego").write_text(write(tmp_path), encoding="utf-8")
    result = checked_alone(tmp_path)
    assert set(result["codes"]) == expected
    assert result["events"] == []
    assert result["memory"] < MOST_MEMORY
    assert result["longest"] < 2_000
    assert not (tmp_path / "ran").exists()


def test_the_watch_sees_what_is_run(tmp_path: Path) -> None:
    (tmp_path / "spec.lego").write_text("")
    code = CHILD.replace(
        "_, found =",
        "import os; open('ran', 'w').close(); os.system('true'); import cProfile; _, found =",
    ).replace("PROCESSOR_SECONDS", str(PROCESSOR_SECONDS))
    (tmp_path / "small.lego").write_text("")
    finished = subprocess.run(
        [sys.executable, "-c", code, "spec.lego"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = {event[0] for event in json.loads(finished.stdout)["events"]}
    assert {"open", "os.system", "import"} <= seen
