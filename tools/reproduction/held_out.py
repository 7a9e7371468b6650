"""Training pictures split once more, so that nothing is tuned on test pictures."""

from __future__ import annotations

import csv
import os
from pathlib import Path

EVERY = 5
"""One training picture in so many is held out."""

FOLDERS = ("crops128", "animals")


def write_held_out(data: Path, folder: Path) -> None:
    """Write manifests of the training pictures, a part of which is the test split.

    Pictures stay where they are. A picture that is listed for two animals is on one side.

    Args:
        data: The folder with the pictures.
        folder: Where the manifests go, in folders of the same names.
    """
    for name in FOLDERS:
        with (data / name / "manifest.csv").open(encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["split"] == "train"]
        originals = {row["original_id"]: None for row in rows}
        held = {original for place, original in enumerate(originals) if place % EVERY == 0}
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        for row in rows:
            row["split"] = "test" if row["original_id"] in held else "train"
            for column in ("path", "mask_path"):
                if row[column]:
                    row[column] = os.path.relpath((data / name / row[column]).resolve(), target)
        with (target / "manifest.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
