"""Weights as they come: every format and wrapper gives the same tensors and the same digest."""

from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError
from legonet.language.declarations import Network, Recipe
from legonet.language.weights import Loading, WeightsFile
from legonet.modules.digest import state_digest
from legonet.modules.small import SmallVgg, small_vgg
from legonet.modules.weight_files import read_shapes, read_weights, weights_digest
from legonet.modules.weights import check_weights, load_weights

Saves = Callable[[dict[str, Tensor], Path], Path]


def declared(file: Path, *, trained: bool = False, classes: int = 2, **loading: Any) -> Network:
    recipe = Recipe(data="pictures") if trained else None
    loads = Loading(**loading) if loading else None
    model = SmallVgg(classes=classes)
    return Network(model=model, weights=WeightsFile(file=file), loading=loads, train=recipe)


def state_of(classes: int = 2, seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return {name: torch.randn_like(item) if item.is_floating_point() else item + 7
            for name, item in small_vgg(classes).state_dict().items()}  # fmt: skip


def torch_file(state: Any, folder: Path) -> Path:
    torch.save(state, folder / "weights.pth")
    return folder / "weights.pth"


def prefixed(prefix: str) -> Saves:
    return lambda state, folder: torch_file({f"{prefix}{k}": v for k, v in state.items()}, folder)


def safetensors_file(state: dict[str, Tensor], folder: Path) -> Path:
    save_file(state, folder / "weights.safetensors")
    return folder / "weights.safetensors"


def sharded(suffix: str, save: Callable[[dict[str, Tensor], Path], object]) -> Saves:
    def saves(state: dict[str, Tensor], folder: Path) -> Path:
        names, stem = list(state), {"safetensors": "model", "bin": "pytorch_model"}[suffix]
        parts = {f"{stem}-{n}-of-3.{suffix}": names[n::3] for n in range(3)}
        for file, part in parts.items():
            save({name: state[name] for name in part}, folder / file)
        where = {name: file for file, part in parts.items() for name in part}
        text = json.dumps({"metadata": {}, "weight_map": where})
        (folder / f"{stem}.{suffix}.index.json").write_text(text)
        return folder

    return saves


def in_folder(state: dict[str, Tensor], folder: Path) -> Path:
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    return folder


def averaged(state: dict[str, Tensor], folder: Path) -> Path:
    network = small_vgg(2)
    network.load_state_dict(state)
    average = torch.optim.swa_utils.AveragedModel(network)
    return torch_file(average.state_dict(), folder)


def with_optimiser(state: dict[str, Tensor], folder: Path) -> Path:
    moments = {n: {"step": torch.tensor(9.0), "exp_avg": item} for n, item in enumerate(state)}
    optimiser = {"state": moments, "param_groups": [{"lr": 0.1, "params": [*moments]}]}
    found = {"epoch": 3, "model": state, "optimizer": optimiser, "step": torch.tensor(9)}
    return torch_file(found, folder)


WAYS: dict[str, Saves] = {
    "safetensors": safetensors_file,
    "torch": torch_file,
    "an old file of torch": lambda state, folder: (
        torch.save(state, folder / "w.bin", _use_new_zipfile_serialization=False)
        or folder / "w.bin"
    ),
    "parameters": lambda state, folder: torch_file(
        OrderedDict(
            (name, nn.Parameter(item) if item.is_floating_point() else item)
            for name, item in state.items()
        ),
        folder,
    ),
    "in state_dict": lambda state, folder: torch_file({"state_dict": state}, folder),
    "in two entries": lambda state, folder: torch_file({"ema": {"model": state}}, folder),
    "beside an optimiser": with_optimiser,
    "module.": prefixed("module."),
    "_orig_mod.module.": prefixed("_orig_mod.module."),
    "backbone.": prefixed("backbone."),
    "an average": averaged,
    "a folder": in_folder,
    "safetensors in parts": sharded("safetensors", save_file),
    "bins in parts": sharded("bin", torch.save),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_format_and_wrapper_gives_the_same_tensors(way: str, tmp_path: Path) -> None:
    state = state_of()
    file = WAYS[way](state, tmp_path)
    assert state_digest(read_weights(file)) == state_digest(state)
    assert read_shapes(file) == {name: tuple(item.shape) for name, item in state.items()}
    assert weights_digest(file) == state_digest(state)
    network = small_vgg(2)
    check_weights(network, declared(file))
    load_weights(network, declared(file))
    assert state_digest(network) == state_digest(state)


def test_other_tensors_have_another_digest(tmp_path: Path) -> None:
    state = state_of()
    before = weights_digest(safetensors_file(state, tmp_path))
    state["features.0.weight"][0, 0, 0, 0] += 1
    assert weights_digest(safetensors_file(state, tmp_path)) != before


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int8, torch.bool])
def test_types_that_numpy_may_not_have(dtype: torch.dtype, tmp_path: Path) -> None:
    state = {"w": torch.ones(2, 3).to(dtype), "none": torch.zeros(0, 4, dtype=dtype)}
    assert weights_digest(safetensors_file(state, tmp_path)) == state_digest(state)
    assert weights_digest(torch_file(state, tmp_path)) == state_digest(state)


def test_the_digest_of_safetensors_needs_no_torch(tmp_path: Path) -> None:
    file = safetensors_file(state_of(), tmp_path)
    code = (
        "import sys; from pathlib import Path; from legonet.modules.weight_files import *;"
        f"print(weights_digest(Path({str(file)!r}))); assert 'torch' not in sys.modules"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == state_digest(state_of())


class Runs:
    """What a pickle runs when it is read without care."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (Runs(), "mkdir"),
        ({"state_dict": {"w": torch.ones(1)}, "args": argparse.Namespace(a=1)}, "Namespace"),
        (nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
    ],
)
def test_code_is_never_run(
    content: object, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(content, "weights.pth")
    for read in (read_weights, read_shapes, weights_digest):
        with pytest.raises(DiagnosticError) as raised:
            read(Path("weights.pth"))
        (found,) = raised.value.diagnostics
        assert found.code == "LEGO504"
        assert told in found.message
    assert not Path("ran").exists()
    Path("plain.pkl").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(DiagnosticError):
        read_weights(Path("plain.pkl"))
    assert not Path("ran").exists()


def header_of(text: str) -> bytes:
    return len(text).to_bytes(8, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        header_of('{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'),
        header_of('{"w": {"dtype": "F99", "shape": [2], "data_offsets": [0, 0]}}'),
        header_of('{"w": [1]}'),
        header_of("{}"),
        header_of("{" * 9),
        b"\x05\x00\x00\x00\x00\x00\x00\x00{",
    ],
)
def test_a_damaged_header_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    for read in (read_weights, read_shapes, weights_digest):
        with pytest.raises(DiagnosticError) as raised:
            read(tmp_path / "w.safetensors")
        assert raised.value.diagnostics[0].code == "LEGO504"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": {"w": "../w.bin"}}'])
def test_an_index_that_is_none_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(DiagnosticError) as raised:
        read_weights(tmp_path)
    assert raised.value.diagnostics[0].code == "LEGO504"


def test_one_of_several_sets_is_chosen_by_name(tmp_path: Path) -> None:
    plain, average = state_of(seed=0), state_of(seed=1)
    file = torch_file({"model": plain, "model_ema": {"module": average}}, tmp_path)
    with pytest.raises(DiagnosticError) as raised:
        read_weights(file)
    (found,) = raised.value.diagnostics
    assert found.code == "LEGO509"
    assert "`model`, `model_ema`" in found.message
    network = small_vgg(2)
    load_weights(network, declared(file, entry="model_ema"))
    assert state_digest(network) == state_digest(average)
    with pytest.raises(DiagnosticError) as raised:
        read_weights(file, "model_eam")
    assert "`model_ema`" in raised.value.diagnostics[0].help[0]


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under names of another library."""
    return {
        name.replace("features.", "stages.layers.").replace("classifier", "head"): item
        for name, item in state.items()
    }


def test_a_table_renames_what_has_other_names(tmp_path: Path) -> None:
    state = state_of()
    file = torch_file(renamed(state), tmp_path)
    rules = ("stages.layers. -> features.", "head -> classifier")
    network = small_vgg(2)
    load_weights(network, declared(file, rename=rules))
    assert state_digest(network) == state_digest(state)


def test_a_star_stands_for_one_part_of_a_name(tmp_path: Path) -> None:
    state = {f"encoder.layer.{n}.attention.{kind}": torch.full((2,), float(n))
             for n in (1, 10) for kind in ("weight", "bias")}  # fmt: skip
    file = torch_file(state, tmp_path)
    network = nn.Module()
    network.blocks = nn.ModuleDict(
        {str(n): nn.ModuleDict({"attn": nn.LayerNorm(2)}) for n in (1, 10)}
    )
    rules = ("encoder.layer.*.attention -> blocks.*.attn",)
    load_weights(network, declared(file, rename=rules))
    assert {name: item[0].item() for name, item in network.state_dict().items()} == {
        f"blocks.{n}.attn.{kind}": n for n in (1, 10) for kind in ("weight", "bias")
    }


def test_two_tensors_of_one_name_are_refused(tmp_path: Path) -> None:
    first, second = [name for name in state_of() if name.endswith("weight")][:2]
    file = torch_file(state_of(), tmp_path)
    with pytest.raises(DiagnosticError) as raised:
        load_weights(small_vgg(2), declared(file, rename=(f"{first} -> {second}",)))
    assert "of both" in raised.value.diagnostics[0].message


def test_order_is_proposed_where_it_fits_and_taken_where_it_is_said(tmp_path: Path) -> None:
    state = state_of()
    names = {f"layer{number}.{name.rpartition('.')[2]}": name for number, name in enumerate(state)}
    strange = {new: state[old] for new, old in names.items() if "num_batches" not in old}
    file, network = torch_file(strange, tmp_path), small_vgg(2)
    with pytest.raises(DiagnosticError) as raised:
        check_weights(network, declared(file))
    assert "`loading { match: order }`" in raised.value.diagnostics[0].help[-1]
    load_weights(network, declared(file, match="order"))
    for name, item in network.state_dict().items():
        assert "num_batches" in name or torch.equal(item, state[name])


@pytest.mark.parametrize(
    ("found", "save"),
    [
        (dict(reversed(state_of().items())), torch_file),
        (state_of(3), torch_file),
        (state_of(), safetensors_file),
    ],
)
def test_order_is_refused_where_shapes_differ_or_it_is_lost(
    found: dict[str, Tensor], save: Saves, tmp_path: Path
) -> None:
    with pytest.raises(DiagnosticError) as raised:
        load_weights(small_vgg(2), declared(save(found, tmp_path), match="order"))
    assert raised.value.diagnostics[0].code == "LEGO505"


def test_a_mean_is_never_taken_for_a_variance(tmp_path: Path) -> None:
    own = nn.BatchNorm2d(2).state_dict()
    found = {f"bn.{name}": own[name] for name in ("weight", "bias", "running_var", "running_mean")}
    with pytest.raises(DiagnosticError) as raised:
        load_weights(nn.BatchNorm2d(2), declared(torch_file(found, tmp_path), match="order"))
    assert "`running_mean`" in raised.value.diagnostics[0].help[-1]


def test_a_head_with_other_classes_is_left_out(tmp_path: Path) -> None:
    file = torch_file(state_of(10), tmp_path)
    network, left_out = small_vgg(1), {"excluded": ("classifier.3.*",), "classes": 1}
    head = network.get_submodule("classifier.3").weight.clone()
    with pytest.raises(DiagnosticError) as raised:
        load_weights(network, declared(file, **left_out))
    assert raised.value.diagnostics[0].code == "LEGO513"
    load_weights(network, declared(file, **left_out, trained=True))
    assert torch.equal(network.get_submodule("classifier.3").weight, head)
    assert torch.equal(
        network.get_parameter("features.0.weight"), state_of(10)["features.0.weight"]
    )


def test_what_a_file_has_besides_the_network_may_be_left_out(tmp_path: Path) -> None:
    state = state_of()
    file = torch_file({**state, "projector.0.weight": torch.ones(3)}, tmp_path)
    with pytest.raises(DiagnosticError):
        load_weights(small_vgg(2), declared(file))
    network = small_vgg(2)
    load_weights(network, declared(file, excluded=("projector.*",)))
    assert state_digest(network) == state_digest(state)


def test_a_headless_file_fits_the_backbone_of_a_network(tmp_path: Path) -> None:
    """As the weights of a classifier's features fit those of a segmenter."""
    backbone = {name: torch.full((2,), 7.0) for name in ("weight", "bias")}
    file = torch_file(backbone, tmp_path)
    network = nn.Sequential()
    network.add_module("backbone", nn.LayerNorm(2))
    network.add_module("classifier", nn.LayerNorm(2))
    load_weights(network, declared(file, excluded=("classifier.*",), trained=True))
    assert network.get_parameter("backbone.weight").eq(7).all()
    assert network.get_parameter("classifier.weight").eq(1).all()


def test_missing_counts_of_updates_make_no_difference(tmp_path: Path) -> None:
    state = {k: v for k, v in state_of().items() if not k.endswith("num_batches_tracked")}
    network = small_vgg(2)
    load_weights(network, declared(torch_file(state, tmp_path)))
    assert torch.equal(network.get_parameter("features.0.weight"), state["features.0.weight"])


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_a_program_is_told_from_weights(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"network{suffix}"
    file.write_bytes(b"\x08\x07\x12\x07pytorch")
    if suffix == ".pt2":
        torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), file)
    with pytest.raises(DiagnosticError) as raised:
        read_weights(file)
    (found,) = raised.value.diagnostics
    assert found.code == "LEGO504"
    assert "is a program" in found.message


IN_PLACE_OF_WEIGHTS: dict[str, tuple[bytes, str, str]] = {
    "lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "a pointer of Git LFS",
        "git lfs pull",
    ),
    "page": (b"\n<!DOCTYPE html><html></html>", "a web page", "the file itself"),
    "empty": (b"", "empty", "again"),
    "gzip": (b"\x1f\x8b\x08\x00", "a compressed archive", "unpack"),
    "cut": (b"PK\x03\x04" + bytes(100), "only the first part of a file", "again"),
    "text": (b"layer1.weight: 0.5\n", "a text", "expected a safetensors file"),
    "noise": (bytes(range(256)) * 4, "neither of the two formats", "damaged"),
}


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
@pytest.mark.parametrize("kind", IN_PLACE_OF_WEIGHTS)
def test_what_is_in_place_of_weights_is_named(kind: str, ending: str, tmp_path: Path) -> None:
    contents, words, advice = IN_PLACE_OF_WEIGHTS[kind]
    file = tmp_path / f"weights.{ending}"
    file.write_bytes(contents)
    for read in (read_weights, read_shapes):
        with pytest.raises(DiagnosticError) as raised:
            read(file)
        (found,) = raised.value.diagnostics
        assert found.code == "LEGO504"
        assert words in found.message
        assert advice in found.help[0]


def test_weights_are_read_whatever_the_ending_of_their_file(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(3.0)}
    torch.save(tensors, tmp_path / "torch.safetensors")
    save_file(tensors, tmp_path / "safe.pth")
    for name in ("torch.safetensors", "safe.pth"):
        assert torch.equal(read_weights(tmp_path / name)["a"], tensors["a"])
