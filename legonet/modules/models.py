"""From the model that a spec names to a network."""

from __future__ import annotations

import importlib
import inspect
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.language.models import MODELS, LibraryModel, Model, ModelForm
from legonet.modules.detectors import Detector, is_detector
from legonet.modules.outputs import answer_with
from legonet.modules.seeding import seeded
from legonet.modules.shapes_only import shapes_only
from legonet.registry import UnusableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WEIGHT_ARGUMENTS = ("weights", "weights_backbone", "pretrained", "checkpoint_path")


def instantiate(model: Model, *, seed: int = 0, device: torch.device | str = "cpu") -> nn.Module:
    """Return a network with a random start, in evaluation mode. No weights are ever downloaded.

    The start depends on the seed alone, whatever the device; torch's global generators are left
    as they were.

    Args:
        model: What the spec says after ``model:``.
        seed: The seed of the start.
        device: ``meta`` gives shapes without memory.

    Raises:
        DiagnosticError: The library is not installed, has no such model, or the model's
            constructor does not take these arguments.
    """
    device = torch.device(device)
    # Other devices have their own random generators, so the start is drawn on the CPU.
    with seeded(seed), shapes_only() if device.type == "meta" else torch.device("cpu"):
        network = _build(model)
    for layer in network.modules():
        if getattr(layer, "inplace", False) is True:
            # A layer that works in place after a cut would overwrite the features before it.
            setattr(layer, "inplace", False)  # noqa: B010 - not every module has it
    if model.answer is None:
        network.register_forward_hook(_main_answer)
    else:
        answer_with(network, model.answer)
    return network.to(device).eval()


def _main_answer(network: nn.Module, given: Any, answer: Any) -> Any:  # noqa: ARG001 - torch's
    """Drop what torchvision's networks return besides their main answer.

    Segmenters return a dict of maps; GoogLeNet and Inception return a tuple during training.
    """
    if isinstance(answer, dict) and "out" in answer:
        return answer["out"]
    return getattr(answer, "logits", answer) if isinstance(answer, tuple) else answer


def _build(model: Model) -> nn.Module:
    if isinstance(model, LibraryModel):
        network = library_constructor(model)()
        return Detector(network) if is_detector(network) else network
    try:
        network = _constructed(model.build, {})
    except DiagnosticError:
        raise
    # Whatever another package raises is reported as its own fault, not as a traceback.
    except Exception as error:
        raise _refused(model.call, dict(model), list(type(model).model_fields), error) from error
    return _checked(network, model.call)


def library_constructor(model: LibraryModel) -> Callable[[], nn.Module]:
    """Return what builds a model of a library, without weights.

    Raises:
        DiagnosticError: The library is not installed, or has no such model.
    """
    refused = sorted(set(_WEIGHT_ARGUMENTS) & set(model.arguments))
    if refused:
        raise DiagnosticError.of(
            "LEGO501",
            f"`{model.call}` takes no `{refused[0]}` here",
            label="weights have a field of their own",
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
        constructor = library.get_model_builder(model.name)
        defaults = _torchvision_defaults(library, model.name)
    else:
        constructor, defaults = library.model_entrypoint(model.name), {"pretrained": False}
    return partial(_called, constructor, model.call, model.arguments, defaults)


_LIBRARIES = {"torchvision": "torchvision.models", "timm": "timm"}


def _torchvision_defaults(library: Any, name: str) -> dict[str, Any]:
    """Return arguments that keep a torchvision model from fetching or warning."""
    takes = inspect.signature(library.get_model_builder(name)).parameters
    defaults: dict[str, Any] = {key: None for key in _WEIGHT_ARGUMENTS if key in takes}
    if name.endswith(("googlenet", "inception_v3")):
        # Without it torchvision warns that its slow default start will change.
        defaults["init_weights"] = True
    return defaults


def registered_model(call: str) -> type[ModelForm]:
    """Return the form of a model by its name.

    Raises:
        DiagnosticError: No package that is installed registers it, or its package cannot be used.
    """
    if call not in MODELS:
        raise _unknown(call, MODELS.names)
    try:
        return MODELS.get(call)
    except UnusableError as error:
        raise DiagnosticError.of(
            "LEGO503",
            f"the package that registers `{call}` cannot be used: {error}",
            label="library missing",
            help=[f"the entry point `{call}` refers to `{MODELS.place(call)}`"],
        ) from error


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
    return _checked(network, call)


def _checked(network: object, call: str) -> nn.Module:
    if isinstance(network, nn.Module):
        lazy = next((name for name, item in network.named_parameters() if is_lazy(item)), None)
        if lazy is None:
            return network
        raise DiagnosticError.of(
            "LEGO501",
            f"`{call}` has layers without a shape, such as that of `{lazy}`",
            label="a lazy layer",
            help=["give each layer the number of its inputs, as `nn.Linear` has it"],
        )
    raise DiagnosticError.of(
        "LEGO501",
        f"expected `{call}` to build a torch module, found {type(network).__name__}",
        label="not a network",
        help=["what it builds must be an `nn.Module`"],
    )


def _constructed(constructor: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if torch.get_default_device().type != "meta":
        return constructor(**arguments)
    try:
        return constructor(**arguments)
    except Exception:
        # Some constructors, such as RegNet's, compute with tensors, which have no values on meta.
        with torch.device("cpu"):
            return constructor(**arguments)


def _argument_names(constructor: Callable[..., Any], defaults: Mapping[str, Any]) -> list[str]:
    """Return the arguments of a constructor and of the class that it creates."""
    callables = [constructor]
    # This is only for a line of help, which is not worth a second error.
    with suppress(Exception), shapes_only():
        callables.append(type(_constructed(constructor, dict(defaults))))
    parameters = [item for made in callables for item in inspect.signature(made).parameters.items()]
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    names = [name for name, parameter in parameters if parameter.kind not in variadic]
    return list(dict.fromkeys(name for name in names if name not in _WEIGHT_ARGUMENTS))


def _refused(
    call: str, arguments: Mapping[str, Any], known: list[str], error: Exception
) -> DiagnosticError:
    """Say which argument a constructor refused, as far as that can be determined."""
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
