"""From the form of a source in a spec to the source itself."""

from __future__ import annotations

from legonet.data.plugins import open_plugin
from legonet.data.source import Source
from legonet.data.sources.cifar10 import Cifar10Source
from legonet.data.sources.cifar10_jpeg import Cifar10JpegSource
from legonet.data.sources.digits import DigitsSource
from legonet.data.sources.folder import FolderSource
from legonet.data.sources.manifest import ManifestSource
from legonet.data.sources.oxford_pets import OxfordPetsSource
from legonet.data.sources.voc import SbdSource, VocSource
from legonet.spec import sources as forms


def open_source(form: forms.Source) -> Source:
    """Open a source without reading a picture.

    Raises:
        DiagnosticError: Its folder or file is missing or malformed.
    """
    match form:
        case forms.Digits():
            return DigitsSource()
        case forms.Manifest():
            return ManifestSource(form.directory, form.only)
        case forms.Folder():
            return FolderSource(form.directory)
        case forms.Cifar10():
            return Cifar10Source(form.directory, form.download)
        case forms.Cifar10Jpeg():
            return Cifar10JpegSource(form.file)
        case forms.Voc():
            return VocSource(form.directory, form.year, form.download)
        case forms.Sbd():
            return SbdSource(form.directory, form.download)
        case forms.OxfordPets():
            return OxfordPetsSource(form.directory, form.download)
        case forms.PluginSource():
            return open_plugin(form.call, form.arguments)
