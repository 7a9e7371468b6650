"""What people often have in place of the file that they mean, such as a pointer of Git LFS."""

from __future__ import annotations

from pathlib import Path

_AGAIN = "download or copy it again"
_UNPACK = "unpack it, and name the file that was in it"
_PAGE = "download the file itself, not the page about it"

_MARKS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs.", "a pointer of Git LFS", "run `git lfs pull` where it came from"),
    (b"/annex/objects/", "a pointer of git-annex", "run `git annex get` where it came from"),
    (b"<!doctype html", "a web page", _PAGE),
    (b"<html", "a web page", _PAGE),
    (b"\x89hdf\r\n", "an HDF5 file, as Keras writes it", "convert it to safetensors"),
    (b"\x1f\x8b", "a compressed archive", _UNPACK),
    (b"7z\xbc\xaf", "a compressed archive", _UNPACK),
    (b"bzh", "a compressed archive", _UNPACK),
    (b"\xfd7zxz", "a compressed archive", _UNPACK),
)
"""How such files begin, in lower case; what they are, and what to do."""

_PHOTOGRAPH = "a photograph in a format of telephones", "convert it to JPEG or PNG"
_VIDEO = "a video", "take single pictures out of it, as JPEG or PNG"

_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heif", b"mif1", b"msf1", b"hevc", b"avif"), _PHOTOGRAPH),
    **dict.fromkeys((b"qt  ", b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"m4v "), _VIDEO),
}
"""What files are whose fourth byte is followed by `ftyp` and one of these words."""


def recognised(file: Path) -> tuple[str, str] | None:
    """Return what a file is and what to do about it; None if it is nothing of this kind.

    Args:
        file: A file that is not what was expected.
    """
    try:
        with file.open("rb") as stream:
            begin = stream.read(512)
    except OSError:
        return None
    if not begin:
        return "empty", _AGAIN
    if begin[4:8] == b"ftyp" and begin[8:12].lower() in _BRANDS:
        return _BRANDS[begin[8:12].lower()]
    plain = begin.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next(((kind, advice) for mark, kind, advice in _MARKS if plain.startswith(mark)), None)
