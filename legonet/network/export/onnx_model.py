"""An application as an ONNX model."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from legonet.diagnostics import DiagnosticError
from legonet.network.export.format import ExportFormat
from legonet.network.export.program import not_exported, trace
from legonet.network.export.verification import TOLERANCE, Asked, first_line, largest_difference
from legonet.text_bytes import encodable, json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch.export import ExportedProgram

    from legonet.graph.resolved import ResolvedEdge
    from legonet.network.export.application import AnyApplication

OPSET = 18
"""Version of ONNX's operators: old enough for most runtimes, and the one that torch knows best."""

LARGEST = 2**31 - 1
"""Bytes of an ONNX file, whose format counts them in 31 bits."""


class OnnxModel(ExportFormat):
    """An ONNX model, which onnxruntime and others compute on any device."""

    words = "an ONNX model"
    suffix = ".onnx"
    joins = True

    def check(self, file: Path) -> None:  # noqa: ARG002 - any file will do
        """Raise a `DiagnosticError`, LEGO761, where a package is missing that writes ONNX."""
        for name in ("onnx", "onnxscript"):
            try:
                importlib.import_module(name)
            except ImportError as error:
                raise DiagnosticError.of(
                    "LEGO761",
                    f"to write ONNX needs {name}, which cannot be imported: {first_line(error)}",
                    help=[
                        "pip install 'legonet[export]'",
                        "`.pt2` and `.safetensors` need nothing",
                    ],
                ) from error

    def encode(self, application: AnyApplication, edge: ResolvedEdge) -> Mapping[str, bytes]:  # noqa: ARG002
        """Return the contents of an ``.onnx`` file, with the application's description in it.

        Raises:
            DiagnosticError: LEGO763, torch cannot express it in ONNX, or it is too large.
        """
        program = trace(application)
        held = sum(tensor.nbytes for tensor in application.state_dict().values())
        if held > LARGEST:
            reason = f"its weights take {held:,} bytes, and a file holds {LARGEST:,}"
            raise not_exported("as ONNX", reason)
        try:
            model = _converted(program, application)
            importlib.import_module("onnx").checker.check_model(model)
            contents: bytes = model.SerializeToString()
        except Exception as error:
            # Converters meet operators that they do not know, each in a way of its own.
            raise not_exported("as ONNX", first_line(error)) from error
        return {"": contents}

    def verify(self, contents: Mapping[str, bytes], asked: Sequence[Asked]) -> float | None:
        """Compare the answers of onnxruntime; None where it is not installed."""
        try:
            runtime: Any = importlib.import_module("onnxruntime")
        except ImportError:
            return None
        options = runtime.SessionOptions()
        # What it has to say it raises, too.
        options.log_severity_level = 4
        options.intra_op_num_threads = torch.get_num_threads()
        providers = ["CPUExecutionProvider"]
        try:
            session = runtime.InferenceSession(contents[""], options, providers=providers)
        except Exception as error:
            raise not_exported("as ONNX that onnxruntime takes", first_line(error)) from error

        def answers(pictures: Tensor) -> Tensor:
            quiet = runtime.RunOptions()
            quiet.log_severity_level = 4
            (logits,) = session.run(None, {"pictures": pictures.numpy()}, quiet)
            return torch.from_numpy(logits)

        return largest_difference(answers, asked, TOLERANCE)


def _converted(program: ExportedProgram, application: AnyApplication) -> Any:
    description = application.description
    names = {0: "batch"}
    if application.has_dynamic_size:
        names |= {2: "height", 3: "width"}
    with warnings.catch_warnings():
        # They are about the insides of the converter.
        warnings.simplefilter("ignore")
        converted = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[description["input"]["name"]],
            output_names=[description["output"]["name"]],
            dynamic_shapes=(names,),
        )
    if converted is None:
        raise ValueError("torch returned no model")
    model: Any = converted.model_proto
    for key, value in description.items():
        text = encodable(value) if isinstance(value, str) else json_text(value)
        model.metadata_props.add(key=key, value=text)
    return model
