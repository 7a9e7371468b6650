"""One path of a network as a file for others: a program of torch, an ONNX model, or a bundle."""

from __future__ import annotations

from legonet.network.export.application import Application
from legonet.network.export.bundle import open_bundle
from legonet.network.export.format import FORMATS, ExportFormat, format_of
from legonet.network.export.to_file import Export, export

__all__ = [
    "FORMATS",
    "Application",
    "Export",
    "ExportFormat",
    "export",
    "format_of",
    "open_bundle",
]
