"""Ready weights for a network: from a file, a library, a hub, or an ancestor."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.language.models import HubWeights, LibraryModel, Weights, WeightsFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from legonet.language.models import Model, TorchvisionWeights

Shapes = dict[str, tuple[int, ...]]

_MOST_LINES = 8
"""Help lines about single tensors, at most; a network of another kind would fill the screen."""


def load_weights(network: nn.Module, weights: Weights, model: Model) -> None:
    """Load ready weights into a network in place; every name and every shape must fit.

    Values are converted to the network's dtypes. If anything does not fit, nothing is changed.

    Args:
        network: The network that `model` gave.
        weights: What the spec says after ``weights:``.
        model: What it says after ``model:``, which determines which torchvision weights exist.

    Raises:
        DiagnosticError: The weights cannot be read or fetched, or do not fit.
    """
    if isinstance(weights, WeightsFile):
        state: Mapping[str, Tensor] = _read(weights.file)
        origin = str(weights.file)
    elif isinstance(weights, HubWeights):
        state, origin = _read(_fetched(weights)), f"{weights.repository}/{weights.file}"
    else:
        state, origin = _torchvision_state(weights, model), f"torchvision's {weights.name}"
    _check_fit(_shapes(network.state_dict()), _shapes(state), origin)
    network.load_state_dict(state)


def check_weights(network: nn.Module, file: Path) -> None:
    """Check from a safetensors file's header alone that its tensors fit a network.

    Args:
        network: The network; one on the meta device will do.
        file: The file.

    Raises:
        DiagnosticError: As for `load_weights`.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            names = opened.keys()
            found = {name: tuple(opened.get_slice(name).get_shape()) for name in names}
    except (OSError, SafetensorError) as error:
        raise _unreadable(file, error) from error
    _check_fit(_shapes(network.state_dict()), found, str(file))


def inherit(network: nn.Module, ancestor_state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Copy every parameter and buffer of an ancestor whose name and shape match.

    Args:
        network: The network that starts from the ancestor; changed in place.
        ancestor_state: The ancestor's state dict.

    Returns:
        The names of the tensors that were copied, in the network's order.

    Raises:
        DiagnosticError: Nothing matches.
    """
    own = network.state_dict()
    fitting = [
        name
        for name, tensor in own.items()
        if name in ancestor_state and ancestor_state[name].shape == tensor.shape
    ]
    if not fitting:
        shared = sorted(set(own) & set(ancestor_state))
        raise DiagnosticError.of(
            "LEGO506",
            f"none of the {len(own)} tensors matches one of the ancestor's {len(ancestor_state)}",
            label="nothing to start from",
            help=[
                "`init` copies tensors with the same name and the same shape"
                + (f"; `{shared[0]}` has only the same name" if shared else ""),
                "use a model of the same family with the same channels",
            ],
        )
    with torch.no_grad():
        for name in fitting:
            own[name].copy_(ancestor_state[name])
    return tuple(fitting)


def _shapes(state: Mapping[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _check_fit(expected: Shapes, found: Shapes, origin: str) -> None:
    """Raise one error that lists all tensors that are missing, unexpected or of another shape."""
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    misshaped = [name for name in expected if name in found and expected[name] != found[name]]
    if not (missing or unexpected or misshaped):
        return
    lines = [
        *(f"`{name}`: expected {expected[name]}, found {found[name]}" for name in misshaped),
        *(f"`{name}` is missing{_nearest(name, unexpected)}" for name in missing),
        *(f"`{name}` is not expected{_nearest(name, missing)}" for name in unexpected),
    ]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"and {len(lines) - _MOST_LINES} more"]
    if len(misshaped) <= 2 and not (missing or unexpected):
        # The weight and the bias of the last layer, as for other classes.
        lines.append(
            "to begin with these weights and another last layer, declare a network that they fit, "
            "and begin from it: `init: THAT_NETWORK`"
        )
    raise DiagnosticError.of(
        "LEGO505",
        f"the weights in {origin} do not fit the network: {len(missing)} tensors missing, "
        f"{len(unexpected)} not expected, {len(misshaped)} of another shape",
        label="do not fit",
        help=lines,
    )


def _nearest(name: str, candidates: Iterable[str]) -> str:
    return "".join(f"; {line}" for line in did_you_mean(name, candidates, "tensor"))


def _read(file: Path) -> dict[str, Tensor]:
    try:
        with safe_open(file, framework="pt") as opened:
            names = opened.keys()
            return {name: opened.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO504",
        f"cannot read the weights in {file}: {error}",
        label="cannot be read",
        help=["expected a file that `safetensors.torch.save_file` wrote"],
    )


def _fetched(weights: HubWeights) -> Path:
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise DiagnosticError.of(
            "LEGO503",
            "weights from the hub need huggingface_hub, which cannot be imported",
            label="library missing",
            help=["pip install 'legonet[hub]'"],
        ) from error
    try:
        return Path(
            hub.hf_hub_download(weights.repository, weights.file, revision=weights.revision)
        )
    except Exception as error:
        # Neither the hub's errors nor those of its transports share a base class.
        origin = f"{weights.repository}/{weights.file} at {weights.revision}"
        raise _not_fetched(origin, error) from error


def _torchvision_state(weights: TorchvisionWeights, model: Model) -> Mapping[str, Tensor]:
    if not isinstance(model, LibraryModel) or model.library != "torchvision":
        raise DiagnosticError.of(
            "LEGO507",
            f"torchvision has no weights for `{model.call}`",
            label="only for torchvision's models",
            help=["use a torchvision model, or weights from a file"],
        )
    models: Any = importlib.import_module("torchvision.models")
    known = {entry.name: entry for entry in models.get_model_weights(model.name)}
    if weights.name not in known:
        names = ", ".join(f"`{name}`" for name in known) or "none"
        raise DiagnosticError.of(
            "LEGO507",
            f"torchvision has no weights `{weights.name}` for `{model.call}`",
            label="unknown weights",
            help=[*did_you_mean(weights.name, known, "weights name"), f"there are {names}"],
        )
    try:
        state: Mapping[str, Tensor] = known[weights.name].get_state_dict(
            progress=False, check_hash=True
        )
    except (OSError, RuntimeError) as error:
        raise _not_fetched(f"torchvision's {model.name} {weights.name}", error) from error
    return state


def _not_fetched(origin: str, error: Exception) -> DiagnosticError:
    reason = str(error).partition("\n")[0].rstrip(".")
    return DiagnosticError.of(
        "LEGO508",
        f"cannot fetch the weights {origin}: {reason}",
        label="cannot be fetched",
        help=["check the name and the connection, or download the file and use `weights: FILE`"],
    )
