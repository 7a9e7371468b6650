"""A spec that builds in seconds."""

from __future__ import annotations

SMALL = """
let cut = "features.4"
let labels = 4
data digits { source: digits() }

network ancestor {
  model: legonet.small_vgg(classes: 10, channels: 4)
  train { data: digits, epochs: 1, seed: 0 }
}
for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 4)
    init: ancestor
    train { data: digits, category: digit, epochs: 1, seed: 0 }
  }
  category digit_${digit} { from: net_${digit}, until: cut }
}
task classify { from: net_3, after: cut }

adapter digit_3 -> classify
adapter digit_1 -> classify {
  layers: [conv(1)]
  method: back_distillation(init: solve, steps: 3)
  samples: labels
}
path read_one = digit_1 -> classify
"""
