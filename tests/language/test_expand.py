"""Imports, lets and loops: what the names in a spec come to stand for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from legonet.data.sources.manifest import Manifest
from legonet.language import Loaded
from legonet.language.weights import WeightsFile

Load = Callable[..., Loaded]

NETWORK = 'network {0} {{ model: legonet.small_vgg(classes: 1), weights: "{0}.safetensors" }}\n'


def codes(loaded: Loaded) -> list[str]:
    return [item.code for item in loaded.diagnostics]


def directory(loaded: Loaded, name: str) -> Path:
    source = loaded.spec.data[name].source
    assert isinstance(source, Manifest)
    return source.directory


# Imports.


def test_an_import_brings_names_and_constants(load: Load) -> None:
    loaded = load(
        'import "common.lego"\ncategory dog { from: dog_net, until: cut }\n',
        common='let cut = "features.4"\n' + NETWORK.format("dog_net"),
    )
    assert codes(loaded) == []
    assert loaded.spec.categories["dog"].network == "dog_net"
    assert loaded.spec.categories["dog"].until == "features.4"


def test_an_alias_stands_in_front_of_names_and_constants(load: Load) -> None:
    loaded = load(
        'import "common.lego" as zoo\n'
        + NETWORK.format("dog_net")
        + "category dog { from: zoo.dog_net, until: zoo.cut }\n"
        + 'category other { from: dog_net, until: "features.1" }\n',
        common='let cut = "features.4"\n'
        + NETWORK.format("dog_net")
        + "category dog { from: dog_net, until: cut }\n",
    )
    assert codes(loaded) == []
    assert set(loaded.spec.networks) == {"zoo.dog_net", "dog_net"}
    assert loaded.spec.categories["zoo.dog"].network == "zoo.dog_net"
    assert loaded.spec.categories["dog"].network == "zoo.dog_net"
    assert loaded.spec.categories["dog"].until == "features.4"
    assert loaded.spec.categories["other"].network == "dog_net"


def test_without_the_alias_the_name_is_unknown(load: Load) -> None:
    loaded = load(
        'import "common.lego" as zoo\ncategory dog { from: dog_net, until: "features.4" }\n',
        common=NETWORK.format("dog_net"),
    )
    assert codes(loaded) == ["LEGO202"]
    assert "`zoo.dog_net`" in loaded.diagnostics[0].help[0]


def test_aliases_of_aliases_add_up(load: Load) -> None:
    loaded = load(
        'import "middle.lego" as a\ncategory dog { from: a.b.dog_net, until: a.b.cut }\n',
        middle='import "bottom.lego" as b\n',
        bottom='let cut = "features.4"\n' + NETWORK.format("dog_net"),
    )
    assert codes(loaded) == []
    assert loaded.spec.categories["dog"].network == "a.b.dog_net"
    assert loaded.spec.categories["dog"].until == "features.4"


def test_two_ways_to_one_file_are_no_mistake(load: Load) -> None:
    loaded = load(
        'import "left.lego"\nimport "right.lego"\n',
        left='import "common.lego"\ncategory dog { from: dog_net, until: cut }\n',
        right='import "common.lego"\ntask classify { from: dog_net, after: cut }\n',
        common='let cut = "features.4"\n' + NETWORK.format("dog_net"),
    )
    assert codes(loaded) == []
    assert list(loaded.spec.networks) == ["dog_net"]
    assert loaded.spec.categories["dog"].until == loaded.spec.tasks["classify"].after


def test_one_file_under_two_aliases_stands_there_twice(load: Load) -> None:
    loaded = load(
        'import "common.lego" as a\nimport "common.lego" as b\n', common=NETWORK.format("net")
    )
    assert codes(loaded) == []
    assert set(loaded.spec.networks) == {"a.net", "b.net"}


def test_one_file_by_two_paths_is_read_once(load: Load) -> None:
    loaded = load(
        'import "common.lego"\nimport "folder/../common.lego"\nimport "folder/in.lego"\n',
        common=NETWORK.format("net"),
        folder__in='import "../common.lego"\n',
    )
    assert codes(loaded) == []


def test_an_imported_file_does_not_see_its_importer(load: Load) -> None:
    loaded = load(
        'let cut = "features.4"\nimport "common.lego"\n',
        common=NETWORK.format("net")
        + 'import "empty.lego"\ncategory dog { from: net, until: cut }',
        empty="",
    )
    assert codes(loaded) == ["LEGO207"]


def test_two_imports_that_share_a_name_need_an_alias(load: Load) -> None:
    files = {"one": NETWORK.format("net"), "two": NETWORK.format("net")}
    assert codes(load('import "one.lego"\nimport "two.lego"\n', **files)) == ["LEGO204"]
    assert codes(load('import "one.lego"\nimport "two.lego" as two\n', **files)) == []


def test_two_imports_that_share_a_constant_need_an_alias(load: Load) -> None:
    files = {"one": 'let cut = "a"\n', "two": 'let cut = "b"\n'}
    loaded = load('import "one.lego"\nimport "two.lego"\n', **files)
    assert codes(loaded) == ["LEGO204"]
    assert loaded.diagnostics[0].help[0].endswith("one.lego:1")
    assert codes(load('import "one.lego"\nimport "two.lego" as two\n', **files)) == []


def test_a_circle_of_imports_is_told_once(load: Load) -> None:
    loaded = load('import "a.lego"\n', a='import "b.lego"\n', b='import "a.lego"\n')
    assert codes(loaded) == ["LEGO210"]
    assert "a.lego -> b.lego -> a.lego" in loaded.diagnostics[0].message


@pytest.mark.parametrize("alias", ["", " as zoo"])
def test_what_a_missing_file_may_declare_is_not_missed(alias: str, load: Load) -> None:
    prefix = "zoo." if alias else ""
    loaded = load(
        f'import "nowhere.lego"{alias}\n'
        f"category dog {{ from: {prefix}net, until: {prefix}cut }}\n"
        f"task classify {{ from: {prefix}net, after: {prefix}cut }}\n"
        "adapter dog -> classify\n"
    )
    assert codes(loaded) == ["LEGO101"]


def test_what_a_missing_file_under_an_alias_cannot_declare_is_missed(load: Load) -> None:
    loaded = load('import "nowhere.lego" as zoo\ncategory dog { from: net, until: "features.4" }\n')
    assert codes(loaded) == ["LEGO101", "LEGO202"]


def test_a_mistake_in_an_import_shows_the_way_to_it(load: Load) -> None:
    loaded = load(
        'import "middle.lego"\n',
        middle='import "bottom.lego"\n',
        bottom="data d { sourc: digits() }",
    )
    (found,) = loaded.diagnostics
    assert found.span is not None
    assert found.span.source.path == "bottom.lego"
    assert [step.span.source.path for step in found.trace] == ["middle.lego", "spec.lego"]


# Relative paths.


def test_a_path_is_relative_to_the_file_that_it_stands_in(load: Load, tmp_path: Path) -> None:
    loaded = load(
        'import "deep/er/common.lego"\ndata here { source: manifest("crops") }\n',
        deep__er__common='data there { source: manifest("crops") }\n'
        'data up { source: manifest("../crops") }\n' + NETWORK.format("net"),
    )
    assert codes(loaded) == []
    assert directory(loaded, "here") == tmp_path / "crops"
    assert directory(loaded, "there") == tmp_path / "deep/er/crops"
    assert Path(os.path.normpath(directory(loaded, "up"))) == tmp_path / "deep/crops"
    assert loaded.spec.networks["net"].weights == WeightsFile(
        file=tmp_path / "deep/er/net.safetensors"
    )


def test_a_path_that_begins_with_a_constant_is_relative_to_the_constant(
    load: Load, tmp_path: Path
) -> None:
    loaded = load(
        'import "deep/common.lego"\n'
        'data joined { source: manifest("${root}/crops") }\n'
        "data bare { source: manifest(root) }\n"
        'let own = "${root}/more"\n'
        'data again { source: manifest("${own}/crops") }\n'
        'data behind { source: manifest("crops/${root}") }\n',
        deep__common='let root = "../data"\n',
    )
    assert codes(loaded) == []
    paths = {name: os.path.relpath(directory(loaded, name), tmp_path) for name in loaded.spec.data}
    assert paths == {
        "joined": "data/crops",
        "bare": "data",
        "again": "data/more/crops",
        "behind": "data",
    }


def test_an_absolute_path_stays(load: Load) -> None:
    loaded = load('let root = "/data"\ndata crops { source: manifest("${root}/crops") }\n')
    assert directory(loaded, "crops") == Path("/data/crops")


def test_an_import_is_relative_to_its_file_and_may_use_constants(load: Load) -> None:
    loaded = load(
        'let folder = "deep"\nimport "${folder}/common.lego"\n',
        deep__common='import "beside.lego"\n',
        deep__beside=NETWORK.format("net"),
    )
    assert codes(loaded) == []
    assert set(loaded.spec.networks) == {"net"}


def test_an_import_that_begins_with_a_constant_is_relative_to_the_constant(
    load: Load, tmp_path: Path
) -> None:
    loaded = load(
        'import "inside/places.lego"\nimport "${folder}/more.lego"\n',
        inside__places='let folder = "deeper"\n',
        inside__deeper__more='data pictures { source: manifest("p") }\n',
    )
    assert codes(loaded) == []
    assert directory(loaded, "pictures") == tmp_path / "inside" / "deeper" / "p"


def test_a_constant_from_an_alias_keeps_its_folder(load: Load, tmp_path: Path) -> None:
    loaded = load(
        'import "deep/common.lego" as zoo\ndata crops { source: manifest(zoo.root) }\n',
        deep__common='let root = "crops"\n',
    )
    assert directory(loaded, "crops") == tmp_path / "deep/crops"


# Constants.


def test_constants_of_all_kinds_in_texts_and_names(load: Load, tmp_path: Path) -> None:
    loaded = load(
        'let word = crops\nlet text = "64"\nlet number = 64\nlet share = 0.5\nlet yes = true\n'
        'data ${word}_${number} { source: manifest("${word}/${text}/${number}/${share}/${yes}") }\n'
    )
    assert codes(loaded) == []
    assert directory(loaded, "crops_64") == tmp_path / "crops/64/64/0.5/true"


def test_constants_of_an_alias_in_texts_and_names(load: Load, tmp_path: Path) -> None:
    loaded = load(
        'import "common.lego" as zoo\n'
        'data ${zoo.animal}_data { source: manifest("${zoo.folder}/${zoo.animal}") }\n',
        common='let animal = dog\nlet folder = "pictures"\n',
    )
    assert codes(loaded) == []
    assert directory(loaded, "dog_data") == tmp_path / "pictures" / "dog"


def test_a_constant_stands_for_a_whole_value(load: Load) -> None:
    loaded = load(
        "let source = digits()\nlet size = 16\n"
        "data bare { source: source, size: size }\n"
        "data braces { source: source, size: ${size} }\n"
    )
    assert codes(loaded) == []
    assert loaded.spec.data["bare"] == loaded.spec.data["braces"]
    assert loaded.spec.data["bare"].size == 16


def test_a_constant_is_known_from_its_let_on(load: Load) -> None:
    loaded = load('data crops { source: manifest("${root}") }\nlet root = "a"\n')
    assert codes(loaded) == ["LEGO213"]


def test_a_constant_gets_one_value(load: Load) -> None:
    assert codes(load("let a = 1\nlet a = 1\n")) == ["LEGO204"]
    assert codes(load("for a in [1, 2] { let a = 3 }\n")) == ["LEGO204"]
    assert codes(load("let a = 1\nfor b in [1, 2] { let a = 3 }\n")) == ["LEGO204"]


def test_escapes_in_strings(load: Load, tmp_path: Path) -> None:
    loaded = load(r'data d { source: manifest("a\"b\\c\${d}") }' + "\n")
    assert codes(loaded) == []
    assert directory(loaded, "d") == tmp_path / 'a"b\\c${d}'


# Loops.


def test_a_loop_makes_its_statements_once_for_each_value(load: Load) -> None:
    loaded = load(
        'for digit in ["0", "1"] {\n  data d${digit} { source: manifest("m/${digit}") }\n}\n'
    )
    assert codes(loaded) == []
    assert [directory(loaded, name).name for name in ("d0", "d1")] == ["0", "1"]


def test_loops_nest_and_see_the_constants_around_them(load: Load) -> None:
    loaded = load(
        'let root = "m"\n'
        "for a in [x, y] {\n"
        '  let folder = "${root}/${a}"\n'
        "  for b in [1, 2] {\n"
        '    data ${a}${b} { source: manifest("${folder}/${b}") }\n'
        "  }\n"
        "}\n"
    )
    assert codes(loaded) == []
    found = {
        name: str(directory(loaded, name).relative_to(Path.cwd())) for name in loaded.spec.data
    }
    assert found == {"x1": "m/x/1", "x2": "m/x/2", "y1": "m/y/1", "y2": "m/y/2"}


def test_a_loop_over_a_constant_over_lists_and_over_nothing(load: Load) -> None:
    loaded = load(
        "let sizes = [16, 32]\n"
        "for size in sizes { data d${size} { source: digits(), size: size } }\n"
        "for pair in [[8, 9], [10]] { for size in pair { data e${size} { source: digits() } } }\n"
        "for nothing in [] { data ${nothing} { source: digits() } }\n"
    )
    assert codes(loaded) == []
    assert set(loaded.spec.data) == {"d16", "d32", "e8", "e9", "e10"}


def test_constants_of_a_loop_end_with_its_turn(load: Load) -> None:
    loaded = load(
        "for a in [x, y] { let own = 1 }\n"
        'data outside { source: manifest("${own}") }\n'
        'data after { source: manifest("${a}") }\n'
    )
    assert codes(loaded) == ["LEGO213", "LEGO213"]


def test_a_mistake_in_nested_loops_shows_each_turn(load: Load) -> None:
    loaded = load(
        "for a in [x] {\n  for b in [1, 2] {\n    data ${a}${b} { sorce: digits() }\n  }\n}\n"
    )
    (found,) = loaded.diagnostics
    assert [step.message for step in found.trace] == [
        "in the iteration of this loop for the number 1",
        "in the iteration of this loop for the name `x`",
    ]


def test_what_a_broken_loop_may_declare_is_not_missed(load: Load) -> None:
    loaded = load(
        f"for name in net {{\n{NETWORK.format('${name}')}}}\n"
        'category dog { from: dog_net, until: "features.4" }\n'
    )
    assert codes(loaded) == ["LEGO214"]


def test_what_a_broken_constant_may_give_is_not_missed(load: Load) -> None:
    loaded = load(
        'let root = "${nowhere}"\nlet cut = [1, \ndata a { source: manifest(root) }\n'
        'data b { source: manifest("${root}/${cut}") }\n'
    )
    assert codes(loaded) == ["LEGO213", "LEGO104"]


@pytest.mark.parametrize("year", ["2011", '"2011"'])
def test_a_year_is_a_number_or_a_text(year: str, load: Load) -> None:
    loaded = load(f'data v {{ source: voc("v", {year}) }}\ndata w {{ source: voc("v") }}\n')
    assert codes(loaded) == []
    assert [item.source.year for item in loaded.spec.data.values()] == ["2011", "2012"]
