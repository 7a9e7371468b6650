"""What the tool for the paper's experiments plans, refuses and writes; nothing is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kit.reproduction import ROOT, SPECS, TABLES, importable, reproduce

from legonet import load
from legonet.building import Workspace
from legonet.language import Override


@pytest.fixture
def tool() -> Iterator[Any]:
    with importable():
        import pages

        yield pages


def test_means_are_taken_over_categories_and_spreads_over_seeds(tool: Any) -> None:
    def run(
        category: str,
        seed: int,
        error: float,
        samples: int = 10,
        variant: str = "ordinary",
        unlabelled: int = 0,
    ) -> Any:
        which = (3, "small", category, samples, unlabelled, variant, seed)
        return tool.Run(*which, error, 0.1, None, None, 2.0, "CPU")

    runs = [run("cat", 0, 0.1), run("cow", 0, 0.3), run("cat", 1, 0.3), run("cow", 1, 0.5)]
    others = [
        run("cat", 0, 0.1, 100),
        run("cat", 0, 0.9, variant="apart_ordinary"),
        run("cat", 0, 0.8, variant="chosen"),
        run("cat", 0, 0.7, variant="chosen_unlabelled", unlabelled=200),
    ]
    written = tool.page(3, [*runs, *others], {})
    assert "| OL: labels, from a random start | 10.0 | 30.0 ± 14.1 | 2.0 |" in written
    assert "| OL: labels, from a random start | 10 | 20.0 ± 14.1 | 40.0 ± 14.1 |" in written
    apart = written.split("whose ancestor was trained apart*")[1].split("###")[0]
    assert "| OL: labels, from a random start | - | 90.0 | 2.0 |" in apart
    assert "| `transplant()`, as users get it | - | 80.0 | 2.0 |" in written
    more = "| `transplant()`, as users get it, 200 pictures without labels | - | 70.0 | 2.0 |"
    assert more in written


def test_the_page_says_what_was_reached(tool: Any) -> None:
    def run(variant: str, samples: int, error: float) -> Any:
        return tool.Run(
            3, "small", "cat", samples, 0, variant, 0, error, 0.1, None, None, 2.0, "CPU"
        )

    runs = [run("ordinary", 100, 0.12), run("ordinary", 10, 0.2), run("chosen", 10, 0.13)]
    written = tool.page(3, runs, {})
    assert "13.0 % at 10 samples, OL 12.0 % at 100 (needed: no worse): **not reached**" in written
    assert "0.65 of OL's error at 10 samples (needed: at most 0.6): **not reached**" in written
    better = tool.page(3, [*runs[:2], run("chosen", 10, 0.12)], {})
    assert "not reached" not in better


def test_a_gain_is_held_against_what_the_teachers_have(tool: Any) -> None:
    def run(variant: str, accuracy: float) -> Any:
        which = (4, "small", "cat", 10, 0, variant, 0)
        return tool.Run(*which, accuracy, 0.85, 0.4, 0.5, 2.0, "CPU")

    written = tool.page(4, [run("ordinary", 0.78), run("chosen", 0.82)], {})
    assert "The teachers themselves: +7.0 points over OL at 10 samples." in written
    assert "+4.0 points of pixel accuracy over OL at 10 samples (needed: at least 5)" in written


def test_nothing_built_leaves_a_page_as_it_was(tool: Any, tmp_path: Path) -> None:
    import reproduce

    (tmp_path / "tuning.md").write_text("as it was")
    nothing = SimpleNamespace(plan=SimpleNamespace(edges=()))
    reproduce._write("tuning", nothing, tmp_path, None)
    assert (tmp_path / "tuning.md").read_text() == "as it was"


def test_nothing_is_tuned_on_test_pictures(tool: Any, tmp_path: Path) -> None:
    from held_out import write_held_out

    heads = "path,mask_path,category,split,source,original_id"
    for name in ("crops128", "animals"):
        (tmp_path / "data" / name / "images").mkdir(parents=True)
        rows = [
            f"images/{number}_{part}.jpg,,cat,{'test' if number % 2 else 'train'},voc,{number}"
            for number in range(20)
            for part in range(2)
        ]
        (tmp_path / "data" / name / "manifest.csv").write_text("\n".join([heads, *rows]))
    write_held_out(tmp_path / "data", tmp_path / "held_out")
    lines = (tmp_path / "held_out" / "crops128" / "manifest.csv").read_text().splitlines()[1:]
    split = {line.split(",")[0]: line.split(",")[3] for line in lines}
    assert all((tmp_path / "held_out" / "crops128" / name).parent.exists() for name in split)
    numbers = {name: int(Path(name).name.split("_")[0]) for name in split}
    assert all(number % 2 == 0 for number in numbers.values()), "a test picture"
    sides = {(number, split[name]) for name, number in numbers.items()}
    assert len(sides) == 10, "a picture on both sides"
    assert sum(side == "test" for _, side in sides) == 2


@pytest.mark.parametrize("name", ["tuning", "readings", "starts"])
def test_what_is_decided_learns_from_held_out_pictures_alone(name: str) -> None:
    adapters = load(SPECS / f"{name}.lego").spec.adapters.values()
    assert adapters
    for adapter in adapters:
        assert adapter.learning is not None
        assert adapter.learning.data in ("held_out_crops", "held_out_scenes")


def test_every_start_has_its_place_on_the_page(tool: Any) -> None:
    import starts

    for adapter in load(SPECS / "starts.lego").spec.adapters.values():
        match = starts.NAME.fullmatch(adapter.category)
        assert match is not None, adapter.category
        assert match["goal"] in starts.GOALS
        assert match["method"] in starts.METHODS
        assert (match["unlabelled"] is not None, int(match["samples"])) in starts.COLUMNS
        assert bool(adapter.learning.unlabelled) == (match["unlabelled"] is not None)
        assert adapter.learning.samples == int(match["samples"])


def test_every_reading_has_its_place_on_the_page(tool: Any) -> None:
    import readings

    tried = set()
    for adapter in load(SPECS / "readings.lego").spec.adapters.values():
        match = readings.NAME.fullmatch(adapter.category)
        assert match is not None, adapter.category
        assert match["what"] in readings.TABLES
        tried.add(match["reading"])
    assert tried == set(readings.READINGS)


def test_the_page_about_readings_marks_the_best(tool: Any) -> None:
    import readings

    def step(category: str, error_rate: float) -> Any:
        artifact = SimpleNamespace(metrics={"error_rate": error_rate})
        return SimpleNamespace(edge=SimpleNamespace(category=category), artifact=artifact)

    edges = [
        step("cat_classify_printed_100", 0.4),
        step("horse_classify_printed_100", 0.2),
        step("cat_classify_printed_10", 0.5),
        step("cat_classify_labels_alone_100", 0.2),
        step("cat_classify_labels_alone_10", 0.3),
        step("cat_outline_long_10", 0.25),
    ]
    experiment = SimpleNamespace(scale="small", plan=SimpleNamespace(edges=edges))
    page = readings.readings_page(experiment)
    assert "As the mean of cat and horse, on a fifth" in page
    alone = SimpleNamespace(scale="small", plan=SimpleNamespace(edges=edges[3:]))
    assert "With one animal, on a fifth" in readings.readings_page(alone)
    assert "| table 3, error rate | OL, as tuned | 20.0 | 30.0 | 25.0 (least) |" in page
    assert (
        "| table 3, error rate | BD with the paper's values (`preset`) | 30.0 | 50.0 | 40.0 |"
        in page
    )
    assert (
        "| table 4, share of wrong pixels | as many steps as without pictures | - | 25.0 | - |"
        in page
    )


def test_the_page_about_starts_has_means_over_animals(tool: Any) -> None:
    import starts

    def step(category: str, correlation: float, **metrics: float) -> Any:
        learned = {"ancestor_r2": 0.9, "matched_correlation": correlation}
        artifact = SimpleNamespace(metrics=metrics, certificate={"learned": learned})
        return SimpleNamespace(edge=SimpleNamespace(category=category), artifact=artifact)

    edges = [
        step("cat_classify_0_maps_0", 0.6, error_rate=0.1),
        step("cow_classify_0_maps_0", 0.7, error_rate=0.3),
        step("cat_classify_1_maps_0", 0.8, error_rate=0.4),
        step("cat_outline_0_from_stitched_unlabelled_10", 0.1, pixel_accuracy=0.9),
    ]
    unbuilt = SimpleNamespace(edge=edges[0].edge, artifact=None)
    experiment = SimpleNamespace(scale="small", plan=SimpleNamespace(edges=[*edges, unbuilt]))
    page = starts.starts_page(experiment)
    maps = "| classification, error rate | `least_squares` through the teacher's maps |"
    assert f"{maps} 30.0 ± 14.1 | - | - | - |" in page
    outlines = "| segmentation, share of wrong pixels | TD from `stitching` |"
    assert f"{outlines} - | - | - | 10.0 |" in page
    assert "matched channels 0.60 to 0.80" in page


REAL = ("table3", "table4", "unreadable")


def planned(name: str, folder: Path, **settings: str) -> Any:
    """The plan of a spec for real networks, on networks of digits that need no files."""
    spec = SPECS / f"imagenet_{name}.lego"
    given = [
        Override.parse(f"{key}={value}") for key, value in {"scale": "tiny", **settings}.items()
    ]
    return Workspace(spec, folder).plan(load(spec, given))


@pytest.mark.parametrize("name", REAL)
def test_specs_for_real_networks_plan_runs_that_the_page_knows(
    tool: Any, tmp_path: Path, name: str
) -> None:
    import real_networks
    from methods import method_of
    from runs import name_of

    steps = [step for step in planned(name, tmp_path).edges if step.edge.learning is not None]
    names = [name_of(step) for step in steps]
    samples = [int(named["samples"]) for named in names]
    assert [step.edge.learning.samples for step in steps] == samples
    unlabelled = [named["variant"].endswith("_unlabelled") for named in names]
    assert [bool(step.edge.learning.unlabelled) for step in steps] == unlabelled
    looks = {named["animal"].partition("_")[2] for named in names}
    assert looks == ({"edges", "dark"} if name == "unreadable" else {""})
    assert looks - {""} <= set(real_networks.LOOKS)
    methods = {method_of(named["variant"]).label for named in names}
    if name == "unreadable":
        assert {"OL", "transplant"} <= methods
    else:
        assert {"OL", "TD", "BD", "stitching", "solve", "identity", "transplant"} <= methods
        apart = {named["variant"].startswith("apart_") for named in names}
        assert apart == {True, False}


@pytest.mark.parametrize("name", ["table3", "table4"])
def test_a_start_is_one_word_in_the_spec(tool: Any, tmp_path: Path, name: str) -> None:
    few, more = (
        planned(name, tmp_path, starts=starts)
        for starts in ('["solved"]', '["solved", "stitched"]')
    )
    added = {step.name for step in more.edges} - {step.name for step in few.edges}
    assert len(added) == 2, "one with a common ancestor, one without"
    assert all("stitched_0" in name for name in added)


def test_categories_of_unreadable_pictures_go_to_a_donor_of_plain_ones() -> None:
    spec = load(SPECS / "imagenet_unreadable.lego").spec
    seen = set()
    for adapter in spec.adapters.values():
        category, task = spec.categories[adapter.category], spec.tasks[adapter.task]
        own, donors = (spec.networks[side.network].train for side in (category, task))
        assert own is not None
        assert donors is not None
        assert adapter.learning is not None
        assert adapter.learning.data is None
        assert spec.data[donors.data].transform is None
        transform = spec.data[own.data].transform
        assert transform is not None
        look = {"edges": "edges", "low_light": "dark"}[transform.call]
        assert f"_{look}_" in adapter.category
        seen.add(transform.call)
    assert seen == {"edges", "low_light"}


def real_run(
    tool: Any,
    error: float,
    variant: str = "chosen",
    samples: int = 0,
    table: int = 3,
    seed: int = 0,
    **more: Any,
) -> Any:
    overlaps = (0.4, 0.5) if table == 4 else (None, None)
    which = (table, "imagenet", "cat", samples, 0, variant, seed)
    return tool.Run(*which, error, 0.08, *overlaps, 2.0, "CPU", **more)


def test_the_page_of_real_networks_is_written_from_runs_alone(tool: Any) -> None:
    from real_networks import real_networks_page

    runs = [
        real_run(tool, 0.09, donor=0.12),
        real_run(tool, 0.11, donor=0.14, seed=1),
        real_run(tool, 0.2, "apart_chosen", donor=0.12),
        real_run(tool, 0.3, "back", 10),
        real_run(tool, 0.9, table=4),
        real_run(tool, 0.25, look="edges", donor=0.43),
        tool.Run(3, "small", "cat", 0, 0, "chosen", 0, 0.77, 0.1, None, None, 2.0, "CPU"),
    ]
    page = real_networks_page(runs, {})
    classified, outlined, unreadable = page.split("\n## ")[1:]
    assert "| `transplant()`, as users get it | - | 10.0 ± 1.4 | 2.0 |" in classified
    assert "| *the donor alone* | 13.0 ± 1.4 | 13.0 ± 1.4 |" in classified
    assert "trained apart* | 8.0 |" in classified
    assert "**Not finished: 2 of the 3 seeds" in classified
    assert "| 10 | BD | the paper | 34.02 | 42.27 | 44.85 | 33.51 | 38.66 |" in classified
    assert "| 10 | BD | ours | 30.0 | - | - | - | 30.0 |" in classified
    assert "| `transplant()`, as users get it | 90.0 | 2.0 |" in outlined
    assert "donor alone*" not in outlined, "nobody measured it"
    assert "### Edges alone" in unreadable
    assert "| `transplant()`, as users get it | 25.0 | 2.0 |" in unreadable
    assert "The donor alone is 35.0 points from the teachers." in unreadable
    assert "77.0" not in page, "a run of another scale"
    assert real_networks_page([], {}).count("Nothing is built yet.") == 3


def test_the_page_of_real_networks_says_what_was_reached(tool: Any) -> None:
    from real_networks import real_networks_page

    def outlined(iou: float, **more: Any) -> Any:
        which = (4, "imagenet", "cat", 0, more.pop("unlabelled", 0), "apart_chosen", 0)
        return tool.Run(*which, 0.9, 0.9, iou, 0.5, 2.0, "CPU")

    runs = [
        real_run(tool, 0.094),
        real_run(tool, 0.111, "apart_chosen"),
        real_run(tool, 0.9, "stitched"),
        real_run(tool, 0.12, look="edges"),
        outlined(0.29),
        outlined(0.4, unlabelled=200),
    ]
    page = real_networks_page(runs, {})
    needed = [line for line in page.splitlines() if "(needed:" in line]
    found = [(line.split(": ")[0][2:], line.split(": ")[1].split(" (")[0]) for line in needed]
    assert found == [
        ("A common ancestor, no picture of the animal", "+1.4 points from the teachers"),
        ("Ancestors apart, no picture of the animal", "+3.1 points from the teachers"),
        ("Ancestors apart, 200 pictures without labels", "IoU is 0.80 of the teachers'"),
        ("Ancestors apart, no picture of the animal", "IoU is 0.58 of the teachers'"),
        (
            "Pictures transformed by `edges`, no picture of the animal",
            "+4.0 points from the teachers",
        ),
    ]
    reached = ["**not reached**" not in line for line in needed]
    assert reached == [True, False, True, False, False]


def test_runs_are_read_as_they_were_written(tool: Any, tmp_path: Path) -> None:
    from runs import read_runs, write_runs

    runs = [
        real_run(tool, 0.25, look="edges", donor=0.43),
        real_run(tool, 0.9, table=4, variant="apart_from_stitched"),
    ]
    write_runs(tmp_path / "results.json", runs)
    assert read_runs(tmp_path / "results.json") == runs


def test_each_row_of_the_paper_has_ours_below_it(tool: Any) -> None:
    def run(variant: str, samples: int, error: float, category: str = "cat", **more: Any) -> Any:
        which = (1, "small", category, samples, more.pop("unlabelled", 0), variant, 0)
        return tool.Run(*which, error, 0.1, None, None, 2.0, "CPU", **more)

    runs = [
        run("back", 100, 0.2),
        run("back", 100, 0.4, "dog"),
        run("back_alone", 0, 0.15),
        run("apart_back", 100, 0.9),
        run("from_solved", 100, 0.8),
    ]
    lines = tool.page(1, runs, {}).splitlines()
    place = lines.index("| 100 | BD | the paper | 1.55 | 0.52 | 3.61 | 1.55 | 1.03 | 1.65 |")
    assert lines[place + 1] == "| 100 | BD | ours | 20.0 | - | 40.0 | - | - | 30.0 |"
    place = lines.index("| 0 | BD | the paper | 1.55 | 0.52 | 4.12 | 1.55 | 1.03 | 1.75 |")
    assert lines[place + 1] == "| 0 | BD | ours | 15.0 | - | - | - | - | 15.0 |"


@pytest.mark.parametrize("table", TABLES)
def test_the_papers_means_are_those_of_its_figures(tool: Any, table: int) -> None:
    """A slip in a copied figure shows; one of the paper's means is cut off instead of rounded."""
    from paper import paper_table

    copied = paper_table(table)
    assert len(copied.teachers) == len(copied.animals)
    for row in copied.rows:
        assert len(row.figures) == len(copied.animals)
        mean = sum(map(float, row.figures)) / len(row.figures)
        assert abs(mean - float(row.mean)) <= (0.1 if row.method == "TD" else 0.011), row


def test_the_papers_columns_are_not_mixed_up(tool: Any) -> None:
    from paper import paper_table, source

    assert "1804.10272" in source()
    assert paper_table(3).animals == ("cat", "cow", "horse", "sheep"), "the dog donates"
    rows = {(row.samples, row.method): row for row in paper_table(4).rows}
    assert rows[10, "BD"].figures == ("82.32", "89.49", "85.97", "83.50")
    assert [len(paper_table(number).rows) for number in TABLES] == [9, 9, 8, 12]


def test_stored_runs_make_the_pages_that_are_there(tmp_path: Path) -> None:
    results = ROOT / "docs" / "results"
    names = ["results.json", "about.json"]
    for name in names:
        (tmp_path / name).write_bytes((results / name).read_bytes())
    done = reproduce("pages", "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    written = sorted(file.name for file in tmp_path.iterdir() if file.name not in names)
    assert written == ["imagenet.md", "table1.md", "table2.md", "table3.md", "table4.md"]
    for name in written:
        assert (tmp_path / name).read_text("utf-8") == (results / name).read_text("utf-8"), name


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("table1", "--scale", "imagenet"), "the imagenet scale has no `table1`"),
        (("unreadable",), "the small scale has no `unreadable`"),
        (("all", "--scale", "imagenet"), "weights/tf_efficientnet_lite0.safetensors"),
    ],
)
def test_what_a_scale_does_not_have_is_said(arguments: tuple[str, ...], word: str) -> None:
    done = reproduce(*arguments)
    assert done.returncode == 2
    assert word in done.stderr


def test_data_that_are_missing_are_named(tmp_path: Path) -> None:
    done = reproduce("table1", "--data", tmp_path)
    assert done.returncode == 2
    assert "crops128/manifest.csv" in done.stderr
