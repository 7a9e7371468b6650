"""Ast to Spec: imports, lets and loops worked in, names bound, fields checked."""

from __future__ import annotations

from legonet.spec.base import Goal
from legonet.spec.load import Loaded, load_spec, read_spec
from legonet.spec.override import Override
from legonet.spec.spec import Key, Origin, Spec

__all__ = ["Goal", "Key", "Loaded", "Origin", "Override", "Spec", "load_spec", "read_spec"]
