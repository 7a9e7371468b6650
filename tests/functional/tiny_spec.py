"""The smallest spec whose build trains something."""

from __future__ import annotations

TINY = """
data digits { source: digits() }
for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 1)
    train { data: digits, category: digit, epochs: 1, batch_size: 256, seed: 0 }
  }
  category digit_${digit} { from: net_${digit}, until: "features.4" }
}
task classify { from: net_3, after: "features.4" }
adapter digit_1 -> classify {
  layers: [conv(1)]
  method: back_distillation(init: solve, steps: 3)
  samples: 4
}
"""
