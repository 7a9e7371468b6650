"""Experiment 1 of the paper, from a spec: an adapter put into one network, without samples."""

from __future__ import annotations

from pathlib import Path

from kit.specs import build_of, write_spec

SPEC = """
let cut = "features.4"
data digits { source: digits() }
network net {
  model: legonet.small_vgg(classes: 1, channels: 8)
  train { data: digits, category: "3", epochs: 4, seed: 0, learning_rate: 3e-3 }
}
category three { from: net, until: cut }
for kernels in ["one", "three"] {
  task ${kernels} { from: net, after: cut }
}
adapter three -> one {
  layers: [conv(3)]
  method: back_distillation(preset: experiment1, reordered: true)
}
adapter three -> three {
  layers: [conv(3), conv(3), conv(3)]
  method: back_distillation(preset: experiment1, reordered: true)
}
"""


def test_adapters_of_one_and_of_three_convs_answer_as_the_teacher_does(tmp_path: Path) -> None:
    report = build_of(write_spec(tmp_path, SPEC))
    assert not report.failed
    for edge in report.edges:  # the paper had 50 % with three convs
        assert edge.artifact is not None
        learned = edge.artifact.certificate["learned"]
        assert learned["reordered"]
        assert learned["labelled"] == 0
        metrics = edge.artifact.metrics
        assert metrics["teacher_error_rate"] < 0.2, "a teacher that knows nothing shows nothing"
        assert abs(metrics["error_rate"] - metrics["teacher_error_rate"]) <= 0.005
    assert report.edges[0].artifact.metrics["error_rate"] == metrics["teacher_error_rate"]
