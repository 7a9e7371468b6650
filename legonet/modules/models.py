"""From the model that a spec names to a network."""

from __future__ import annotations

import importlib
import inspect
from contextlib import suppress
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.modules.fcn import VggFcn as VggFcnNetwork
from legonet.modules.seeding import seeded
from legonet.modules.shapes_only import shapes_only
from legonet.modules.small import small_fcn, small_vgg
from legonet.spec.models import LibraryModel, Model, SmallFcn, SmallVgg, VggFcn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENTRY_POINT = "legonet.models"
"""The entry point group at which other packages register functions that return a network."""

_WEIGHT_ARGUMENTS = ("weights", "weights_backbone", "pretrained", "checkpoint_path")


def instantiate(model: Model, *, seed: int = 0, device: torch.device | str = "cpu") -> nn.Module:
    """Return a network with a random start, in evaluation mode. No weights are ever downloaded.

    The start is a function of the seed alone, whatever the device; torch's global generators stay
    as they were.

    Args:
        model: What the spec says behind ``model:``.
        seed: For the start.
        device: ``meta`` gives shapes without memory.

    Raises:
        DiagnosticError: The library is not installed, has no such model, or the model's
            constructor does not take these arguments.
    """
    device = torch.device(device)
    # Other devices have random generators of their own, so the start is drawn on the CPU.
    with seeded(seed), shapes_only() if device.type == "meta" else torch.device("cpu"):
        network = _build(model)
    for layer in network.modules():
        if getattr(layer, "inplace", False) is True:
            # A layer that works in place behind a cut would overwrite the features in front of it.
            setattr(layer, "inplace", False)  # noqa: B010 - not every module has it
    network.register_forward_hook(_main_answer)
    return network.to(device).eval()


def _main_answer(network: nn.Module, given: Any, answer: Any) -> Any:  # noqa: ARG001 - torch's
    """Leave out what torchvision's networks answer beside their main answer.

    Segmenters return a dict of maps; GoogLeNet and Inception a tuple while they are trained.
    """
    if isinstance(answer, dict) and "out" in answer:
        return answer["out"]
    return getattr(answer, "logits", answer) if isinstance(answer, tuple) else answer


def _build(model: Model) -> nn.Module:
    if isinstance(model, SmallVgg):
        return small_vgg(model.classes, model.channels)
    if isinstance(model, SmallFcn):
        return small_fcn(model.classes, model.channels, model.stride)
    if isinstance(model, VggFcn):
        return VggFcnNetwork(model.classes, model.depth, model.stride)
    if isinstance(model, LibraryModel):
        constructor, defaults = _library_constructor(model)
    else:
        constructor, defaults = _plugin_constructor(model.call), {}
    return _called(constructor, model.call, model.arguments, defaults)


def _library_constructor(model: LibraryModel) -> tuple[Callable[..., Any], dict[str, Any]]:
    refused = sorted(set(_WEIGHT_ARGUMENTS) & set(model.arguments))
    if refused:
        raise DiagnosticError.of(
            "LEGO501",
            f"`{model.call}` takes no `{refused[0]}` here",
            label="weights stand apart from the model",
            help=['write `weights: torchvision("NAME")` or `weights: "FILE"` beside `model:`'],
        )
    try:
        library = importlib.import_module(_LIBRARIES[model.library])
    except ImportError as error:
        raise DiagnosticError.of(
            "LEGO503",
            f"`{model.call}` needs {model.library}, which cannot be imported: {error}",
            label="library missing",
            help=[f"pip install 'legonet[{model.library}]'"],
        ) from error
    if model.name not in library.list_models():
        raise _unknown(model.call, [f"{model.library}.{name}" for name in library.list_models()])
    if model.library == "torchvision":
        return library.get_model_builder(model.name), _torchvision_defaults(library, model.name)
    return library.model_entrypoint(model.name), {"pretrained": False}


_LIBRARIES = {"torchvision": "torchvision.models", "timm": "timm"}


def _torchvision_defaults(library: Any, name: str) -> dict[str, Any]:
    """Return arguments that keep a torchvision model from fetching or warning."""
    takes = inspect.signature(library.get_model_builder(name)).parameters
    defaults: dict[str, Any] = {key: None for key in _WEIGHT_ARGUMENTS if key in takes}
    if name.endswith(("googlenet", "inception_v3")):
        # Without it torchvision warns that its slow default start will change.
        defaults["init_weights"] = True
    return defaults


def _plugin_constructor(call: str) -> Callable[..., Any]:
    registered = {point.name: point for point in entry_points(group=ENTRY_POINT)}
    if call not in registered:
        raise _unknown(call, registered)
    try:
        constructor: Callable[..., Any] = registered[call].load()
    except Exception as error:
        # Loading runs another package's code, which may raise anything at all.
        raise DiagnosticError.of(
            "LEGO503",
            f"the package that registers `{call}` cannot be imported: {error}",
            label="library missing",
            help=[f"`{call}` stands for `{registered[call].value}`"],
        ) from error
    return constructor


def _unknown(call: str, known: Any) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO502",
        f"no model `{call}` is installed",
        label="unknown model",
        help=did_you_mean(call, known, "model"),
    )


def _called(
    constructor: Callable[..., Any],
    call: str,
    arguments: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> nn.Module:
    try:
        network = _constructed(constructor, {**defaults, **arguments})
    except Exception as error:
        # A constructor checks its arguments in its own way and may raise anything at all.
        known = _argument_names(constructor, defaults)
        raise _refused(call, arguments, known, error) from error
    if isinstance(network, nn.Module):
        return network
    raise DiagnosticError.of(
        "LEGO501",
        f"expected `{call}` to return a torch module, found {type(network).__name__}",
        label="no network",
        help=["the function behind the entry point must return an `nn.Module`"],
    )


def _constructed(constructor: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if torch.get_default_device().type != "meta":
        return constructor(**arguments)
    try:
        return constructor(**arguments)
    except Exception:
        # Some constructors, as RegNet's, calculate with tensors, which hold nothing on meta.
        with torch.device("cpu"):
            return constructor(**arguments)


def _argument_names(constructor: Callable[..., Any], defaults: Mapping[str, Any]) -> list[str]:
    """Return the arguments of a constructor and of the class behind it."""
    callables = [constructor]
    # It only serves a line of help, which is not worth a second error.
    with suppress(Exception), shapes_only():
        callables.append(type(_constructed(constructor, dict(defaults))))
    parameters = [item for made in callables for item in inspect.signature(made).parameters.items()]
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    names = [name for name, parameter in parameters if parameter.kind not in variadic]
    return list(dict.fromkeys(name for name in names if name not in _WEIGHT_ARGUMENTS))


def _refused(
    call: str, arguments: Mapping[str, Any], known: list[str], error: Exception
) -> DiagnosticError:
    """Say which argument a constructor refused, as far as it can be known."""
    reason = str(error).partition("\n")[0].rstrip(".")
    wrong = [name for name in arguments if name not in known or f"'{name}'" in reason]
    if len(arguments) == 1:
        wrong = list(arguments)
    about = f"the argument `{wrong[0]}`" if wrong else "the arguments"
    misspelled = [name for name in wrong if name not in known]
    return DiagnosticError.of(
        "LEGO501",
        f"{about} of `{call}` cannot be used: {reason}",
        label="not accepted by the model",
        help=[
            *(line for name in misspelled for line in did_you_mean(name, known, "parameter")),
            f"its parameters are {', '.join(f'`{name}`' for name in known)}",
        ],
    )
