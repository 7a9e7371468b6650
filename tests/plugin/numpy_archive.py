"""An export format of another package: arrays of numpy, and answers from the application itself."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence

import numpy as np

from legonet.graph.resolved import ResolvedEdge
from legonet.network.export import Application, ExportFormat
from legonet.network.export.verification import Asked


class NumpyArchive(ExportFormat):
    """The weights of an application as a ``.npz`` file."""

    words = "an archive of numpy"
    suffix = ".npz"

    def encode(self, application: Application, edge: ResolvedEdge) -> Mapping[str, bytes]:
        """Return the weights, and the name of the edge that they come from."""
        arrays = {name: tensor.numpy() for name, tensor in application.state_dict().items()}
        about = json.dumps({**application.description, "edge": edge.name})
        buffer = io.BytesIO()
        np.savez(buffer, about=np.array(about), **arrays)
        return {"": buffer.getvalue()}

    def verify(self, contents: Mapping[str, bytes], asked: Sequence[Asked]) -> float | None:
        """Weights alone answer nothing that could be compared."""
        np.load(io.BytesIO(contents[""]))
        return None if asked else 0.0
