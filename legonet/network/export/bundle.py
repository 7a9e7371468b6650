"""A plain bundle: one application as tensors and JSON, which opens without a spec or a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError
from legonet.modules.adapter import Adapter
from legonet.modules.calibration import Calibration
from legonet.modules.cut import bottom, top
from legonet.modules.digest import state_digest
from legonet.modules.inputs import convert_input, input_of_half
from legonet.modules.loading import load_tensors
from legonet.modules.models import instantiate
from legonet.modules.shapes_only import shapes_only
from legonet.network.export.application import AnyApplication, Application
from legonet.network.export.bundle_document import (
    Document,
    Join,
    damaged,
    half_of,
    is_bundle,
    model_of,
)
from legonet.network.export.format import ExportFormat
from legonet.network.export.verification import Asked, largest_difference
from legonet.network.validation import usable_device

if TYPE_CHECKING:
    from legonet.graph.resolved import ResolvedEdge

TENSORS = ".safetensors"
"""The ending of the file with the tensors, named after the application's parts."""

TEXT = ".json"
"""The ending of the file that says what they are."""

Make = Callable[[str], nn.Module]
"""Makes a part of an application on a device; ``meta`` gives one without memory."""

_MOST_NAMES = 5
"""Tensors that an error names."""


def open_bundle(file: Path | str, *, device: torch.device | str = "cpu") -> Application:
    """Open a bundle that ``legonet export -o NAME.safetensors`` wrote.

    Args:
        file: One of its two files, ``NAME.safetensors`` or ``NAME.json``.
        device: Where to compute.

    Returns:
        A frozen module that takes pictures, ``(N, 3, H, W)`` float32, as `legonet.data.to_tensor`
        makes them, and answers with the bits of the network that it was taken from. Its
        ``description`` says what goes in and what comes out.

    Raises:
        DiagnosticError: LEGO770, it is no bundle; LEGO771, one of another version; LEGO772, it is
            damaged; LEGO773, the installed libraries make another network; LEGO5xx, they make none.
    """
    file = Path(file)
    if file.suffix not in (TENSORS, TEXT):
        raise DiagnosticError.of(
            "LEGO770",
            f"expected a file that ends in {TENSORS} or {TEXT}, found `{file}`",
            help=["a bundle is a pair of files that `legonet export -o NAME.safetensors` wrote"],
        )
    place = usable_device(device)
    text, tensors = _read(file.with_suffix(TEXT)), _read(file.with_suffix(TENSORS))
    return decode(text, tensors, file).to(place)


class Bundle(ExportFormat):
    """Tensors, and JSON that says what they are, which `open_bundle` opens."""

    words = "a bundle"
    suffix = TENSORS
    several_files = True

    def check(self, file: Path) -> None:
        """Raise LEGO767 where the JSON file would replace one that is no bundle's."""
        text = file.with_suffix(TEXT)
        try:
            other = text.exists() and not is_bundle(text.read_bytes())
        except OSError:
            other = True
        if other:
            raise DiagnosticError.of(
                "LEGO767",
                f"the bundle's second file would replace `{text}`, which is no bundle's",
                help=["give the bundle another name, or move that file away"],
            )

    def encode(self, application: AnyApplication, edge: ResolvedEdge) -> Mapping[str, bytes]:
        """Return the contents of a bundle's two files, by their endings."""
        adapter = getattr(application, "adapter", None)
        calibrated = hasattr(application, "calibration")
        lower = application.get_submodule("category")
        document = Document(
            application=application.description,
            category=half_of(edge.category_network.model, edge.until, input_of_half(lower)),
            adapter=None if adapter is None else _join_of(adapter, calibrated),
            task=half_of(edge.task_network.model, edge.after),
        )
        # Each in memory of its own: the format has no tensors that share some.
        tensors = {
            name: tensor.clone(memory_format=torch.contiguous_format)
            for name, tensor in application.state_dict().items()
        }
        return {TENSORS: save(tensors), TEXT: document.encode()}

    def verify(self, contents: Mapping[str, bytes], asked: Sequence[Asked]) -> float:
        """Open the bundle; it has to answer with the same bits."""
        opened = decode(contents[TEXT], contents[TENSORS], Path("bundle"))
        with torch.no_grad():
            return largest_difference(opened, asked, tolerance=0)


def decode(text: bytes, contents: bytes, file: Path) -> Application:
    """Return the application in the contents of a bundle's two files.

    Args:
        text: The contents of the JSON file.
        contents: The contents of the safetensors file.
        file: What to call the bundle in errors.

    Raises:
        DiagnosticError: As for `open_bundle`.
    """
    document = Document.decode(text, file.with_suffix(TEXT))
    try:
        tensors = load(contents)
    except SafetensorError as error:
        raise damaged(file.with_suffix(TENSORS), str(error)) from error
    makers = _makers(document, file)
    states = {part: _state(tensors, part) for part in makers}
    digests = {part: state_digest(state) for part, state in states.items()}
    strangers = len(tensors) - sum(map(len, states.values()))
    if strangers or digests != document.application.get("sha256"):
        raise damaged(file.with_suffix(TENSORS), "its tensors do not match their digests")
    parts = {part: _filled(make, states[part], file) for part, make in makers.items()}
    return Application(parts, document.application)


def _makers(document: Document, file: Path) -> dict[str, Make]:
    """Return what makes each part, with any weights."""
    below, join, above = document.category, document.adapter, document.task
    try:
        lower, upper = model_of(below), model_of(above)
    except ValidationError as error:
        raise _misfit(file, error.errors(include_url=False)[0]["msg"].lower()) from error
    makers: dict[str, Make] = {
        "category": lambda device: bottom(
            convert_input(instantiate(lower, device=device), below.input), below.cut
        )
    }
    if join is not None:
        makers["adapter"] = lambda _: _adapter(join)
    makers["task"] = lambda device: top(instantiate(upper, device=device), above.cut)
    if join is not None and join.calibrated:
        makers["calibration"] = lambda _: Calibration()
    return makers


def _adapter(join: Join) -> nn.Module:
    with shapes_only():
        return Adapter.of(join.model_dump())


def _filled(make: Make, state: Mapping[str, Tensor], file: Path) -> nn.Module:
    """Return a part with its weights, without drawing a start that they replace."""
    module = make("meta")
    _check_fit(module, state, file)
    # Into memory of torch's own: sums have other bits where a tensor lies at an odd address.
    load_tensors(module, {name: item.clone() for name, item in state.items()}, assign=True)
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        # What is in no state dict, such as a table of positions, only the constructor knows.
        module = make("cpu")
        load_tensors(module, state)
    return module.requires_grad_(False).eval()


def _check_fit(module: nn.Module, state: Mapping[str, Tensor], file: Path) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    names = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if names:
        shown = ", ".join(f"`{name}`" for name in names[:_MOST_NAMES])
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        raise _misfit(file, f"{shown}{more} do not fit")


def _misfit(file: Path, reason: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO773",
        f"the bundle `{file}` does not fit the networks of the installed libraries: {reason}",
        help=["install the versions that wrote it; its JSON file names those of legonet and torch"],
    )


def _state(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Return the tensors of one part under the names that they have in it."""
    prefix = f"{part}."
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _join_of(adapter: nn.Module, calibrated: bool) -> Join:
    if not isinstance(adapter, Adapter):
        raise TypeError(f"expected an adapter, found {type(adapter).__name__}")
    return Join(
        channels_in=adapter.channels_in,
        channels_out=adapter.channels_out,
        kernels=adapter.kernels,
        activation=adapter.activation,
        calibrated=calibrated,
        bridge=adapter.bridge,
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DiagnosticError.of(
            "LEGO770",
            f"cannot read `{file}`: {error.strerror or error}",
            help=[
                "a bundle is a pair of files, NAME.safetensors and NAME.json: keep them together"
            ],
        ) from None
