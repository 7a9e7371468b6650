"""A spec that builds in seconds."""

from __future__ import annotations

SPEC = """
data digits { source: digits() }
for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 4)
    train { data: digits, category: digit, epochs: 1 }
  }
  category digit_${digit} { from: net_${digit}, until: "features.4" }
}
task classify { from: net_3, after: "features.4" }
adapter digit_3 -> classify
adapter digit_1 -> classify { method: stitching() }
path read_one = digit_1 -> classify
"""
