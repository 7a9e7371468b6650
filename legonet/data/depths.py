"""Files with a depth for each pixel."""

from __future__ import annotations

from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.data.boxes import unfit
from legonet.data.decode import readable
from legonet.data.orientation import upright
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_depth(
    file: Path, name: str, picture: tuple[int, int], size: int, unit: float
) -> NDArray[np.float32]:
    """Return the depths in a file, squashed to a square by nearest neighbour.

    Args:
        file: A grey picture of 8 or 16 bits, or a ``.npy`` array ``(H, W)``. 0, what is below, and
            what is no finite number is unknown.
        name: What to call it in an error.
        picture: Width and height of the picture, which the depths have too.
        size: Height and width of the result.
        unit: What a 1 in the file stands for.

    Returns:
        ``(size, size)``, not a number where unknown.

    Raises:
        DiagnosticError: It is missing, cannot be read, holds colours, or has another size.
    """
    import numpy as np
    from PIL import Image

    stored = _array(file, name) if file.suffix == ".npy" else _grey(file, name)
    height, width = stored.shape
    if (width, height) != picture:
        raise unfit(
            f"expected depths of {picture[0]}x{picture[1]} pixels, like the picture, "
            f"found {width}x{height} in `{name}`"
        )
    depth = stored.astype(np.float32)
    depth[~(np.isfinite(depth) & (depth > 0))] = nan
    squashed = Image.fromarray(depth).resize((size, size), Image.Resampling.NEAREST)
    return np.asarray(squashed) * np.float32(unit)


def _array(file: Path, name: str) -> NDArray[np.generic]:
    import numpy as np

    with readable(name, "an array of numpy"):
        found = np.load(file, allow_pickle=False)
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype.kind not in "fiu":
        kind = f"{found.dtype} of {found.ndim} axes" if isinstance(found, np.ndarray) else "others"
        raise _no_depths(name, f"an array of {kind}")
    return found


def _grey(file: Path, name: str) -> NDArray[np.generic]:
    import numpy as np
    from PIL import Image

    with readable(name), Image.open(file) as picture:
        picture.load()
        mode = picture.mode
        if mode == "L" or mode.startswith(("I", "F")):
            return np.asarray(upright(picture))
    raise _no_depths(name, f"a picture of the mode {mode}")


def _no_depths(name: str, found: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO404",
        f"expected a number for each pixel in `{name}`, found {found}",
        help=["save depths as a grey PNG of 16 bits, or as an array of two axes (`.npy`)"],
    )
