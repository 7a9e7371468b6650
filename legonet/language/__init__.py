"""Turns an Ast into a Spec: expands imports, lets and loops, binds names, and checks fields."""

from __future__ import annotations

from legonet.language.load import Loaded, load_spec, read_spec
from legonet.language.override import Override
from legonet.language.spec import Key, Origin, Spec

__all__ = ["Key", "Loaded", "Origin", "Override", "Spec", "load_spec", "read_spec"]
