"""From the form of a source in a spec to the source itself."""

from __future__ import annotations

from legonet.data.source import Source
from legonet.spec import sources as forms


def open_source(form: forms.Source) -> Source:
    """Open a source without reading a picture.

    Raises:
        DiagnosticError: Its folder or file is missing or malformed.
    """
    # A spec names one or two of them; the others need not be imported.
    match form:
        case forms.Digits():
            from legonet.data.sources.digits import DigitsSource

            return DigitsSource()
        case forms.Manifest():
            from legonet.data.sources.manifest import ManifestSource

            return ManifestSource(form.directory, form.only)
        case forms.Folder():
            from legonet.data.sources.folder import FolderSource

            return FolderSource(form.directory)
        case forms.Cifar10():
            from legonet.data.sources.cifar10 import Cifar10Source

            return Cifar10Source(form.directory, form.download)
        case forms.Cifar10Jpeg():
            from legonet.data.sources.cifar10_jpeg import Cifar10JpegSource

            return Cifar10JpegSource(form.file)
        case forms.Voc():
            from legonet.data.sources.voc import VocSource

            return VocSource(form.directory, form.year, form.download)
        case forms.Sbd():
            from legonet.data.sources.voc import SbdSource

            return SbdSource(form.directory, form.download)
        case forms.PascalPart():
            from legonet.data.sources.pascal_part import PascalPartSource

            return PascalPartSource(form.directory, form.lists)
        case forms.OxfordPets():
            from legonet.data.sources.oxford_pets import OxfordPetsSource

            return OxfordPetsSource(form.directory, form.download)
        case forms.PluginSource():
            from legonet.data.plugins import open_plugin

            return open_plugin(form.call, form.arguments)
