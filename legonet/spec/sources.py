"""The forms after ``source:`` in a ``data`` block.

A form says where the pictures are. Reading them is the work of ``legonet.data``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator

from legonet.spec.base import Form, Plugin


class Digits(Form):
    """The handwritten digits that come with scikit-learn: 16x16 pictures, ``"0"`` to ``"9"``.

    Needs no files. Background pictures are digits whose 4x4 blocks are shuffled; the masks are the
    ink.
    """

    call: ClassVar[str] = "digits"


class Manifest(Form):
    """A folder with a ``manifest.csv`` that lists pictures, masks, categories and splits.

    Args:
        directory: The folder.
        only: Keeps the rows whose ``source`` column reads so; all rows unless said.
    """

    call: ClassVar[str] = "manifest"
    directory: Path
    only: str | None = None


class Folder(Form):
    """A folder as torchvision's ``ImageFolder`` reads it: ``train/CATEGORY/PICTURE``.

    The test pictures stand in ``test`` or ``val``. A category called ``background`` holds the
    background pictures. There are no masks.

    Args:
        directory: The folder that holds ``train``.
    """

    call: ClassVar[str] = "folder"
    directory: Path


class Cifar10(Form):
    """CIFAR-10 as torchvision reads it: 32x32 pictures, neither background nor masks.

    Args:
        directory: The folder into which torchvision unpacks it.
        download: Downloads the data set if it is not there.
    """

    call: ClassVar[str] = "cifar10"
    directory: Path
    download: bool = False


class Cifar10Jpeg(Form):
    """CIFAR-10 as JPEG bytes in one ``.npz`` file.

    Args:
        file: The file; LEGO406 says what it holds.
    """

    call: ClassVar[str] = "cifar10_jpeg"
    file: Path


def _year(year: object) -> object:
    return str(year) if isinstance(year, int) else year


class Voc(Form):
    """PASCAL VOC segmentation as torchvision reads it, with masks.

    Args:
        directory: The folder into which torchvision unpacks it.
        year: Of the challenge, as a number or in quotes.
        download: Downloads the data set if it is not there.
    """

    call: ClassVar[str] = "voc"
    directory: Path
    year: Annotated[
        Literal["2007", "2008", "2009", "2010", "2011", "2012"], BeforeValidator(_year)
    ] = "2012"
    download: bool = False


class Sbd(Form):
    """The Semantic Boundaries Dataset as torchvision reads it, with masks.

    Args:
        directory: The folder into which torchvision unpacks it.
        download: Downloads the data set if it is not there.
    """

    call: ClassVar[str] = "sbd"
    directory: Path
    download: bool = False


class PascalPart(Form):
    """PASCAL-Part's objects cut out of PASCAL VOC's pictures, with masks.

    The folder ``Annotations_Part`` with the annotations stands beside VOC's ``JPEGImages`` and
    ``ImageSets``. One object with a margin fills each picture; those under 32 pixels are left out.
    A background picture is the largest square of a picture that no object touches; there are as
    many as a category has pictures on average.

    Args:
        directory: The folder that holds these three.
        lists: The folder in ``ImageSets`` whose ``train`` and ``val`` make the splits.
    """

    call: ClassVar[str] = "pascal_part"
    directory: Path
    lists: Literal["Main", "Segmentation"] = "Main"


class OxfordPets(Form):
    """The Oxford-IIIT Pet data set as torchvision reads it, with its trimaps as masks.

    The categories are ``cat`` and ``dog``; there are no background pictures.

    Args:
        directory: The folder into which torchvision unpacks it.
        download: Downloads the data set if it is not there.
    """

    call: ClassVar[str] = "oxford_pets"
    directory: Path
    download: bool = False


class PluginSource(Plugin):
    """A source that another package registers at the entry point ``legonet.sources``."""


SOURCES: tuple[type[Form], ...] = (
    Digits,
    Manifest,
    Folder,
    Cifar10,
    Cifar10Jpeg,
    Voc,
    Sbd,
    PascalPart,
    OxfordPets,
)

Source = (
    Digits
    | Manifest
    | Folder
    | Cifar10
    | Cifar10Jpeg
    | Voc
    | Sbd
    | PascalPart
    | OxfordPets
    | PluginSource
)
