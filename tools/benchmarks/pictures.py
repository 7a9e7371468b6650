"""How long legonet takes to draw large graphs, and how large the pictures become.

Every figure is that of a whole process, its start included, beside a picture of 3 edges. Nothing of
the specs is built.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from language import LEGONET, loops, measured

EDGES = (3, 24, 300, 1000)
FORMATS = ("svg", "png", "pdf")


def main() -> None:
    """Measure, and print a table or a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--repeat", type=int, default=3, help="runs of which the median counts")
    arguments = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for edges in EDGES:
            spec = Path(folder, f"{edges}.lego")
            spec.write_text(loops(edges))
            for suffix in FORMATS:
                for collapse in (edges, 0):
                    picture = spec.with_suffix(f".{suffix}")
                    command = [*LEGONET, "render", str(spec), "-o", str(picture)]
                    command += ["--collapse", str(collapse)]
                    seconds = [
                        measured(command, Path(folder)).seconds for _ in range(arguments.repeat)
                    ]
                    found.append(
                        {
                            "edges": edges,
                            "format": suffix,
                            "in_groups": collapse == 0,
                            "seconds": round(statistics.median(seconds), 2),
                            "kilobytes": picture.stat().st_size // 1000,
                        }
                    )
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'edges':>5}  {'format':6}  {'groups':6}  {'seconds':>7}  {'kB':>6}")
    for line in found:
        groups = "yes" if line["in_groups"] else ""
        print(
            f"{line['edges']:5}  {line['format']:6}  {groups:6}  {line['seconds']:7.2f}"
            f"  {line['kilobytes']:6}"
        )


if __name__ == "__main__":
    main()
