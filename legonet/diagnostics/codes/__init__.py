"""The long text of every diagnostic code, in one file for each stage.

=====  =========================================  ====================
range  stage                                      file
=====  =========================================  ====================
1xx    reading the text                           ``syntax.py``
2xx    names, fields and values                   ``spec.py``
3xx    how modules may be joined                  ``graph.py``
4xx    pictures and labels                        ``data.py``
5xx    networks, weights and cuts                 ``modules.py``
6xx    learning an adapter                        ``distill.py``
7xx    building and the store                     ``build.py``
712-   graphs that are edited in Python           ``editing.py``
745-   prediction and export                      ``network.py``
8xx    drawing                                    ``render.py``
=====  =========================================  ====================
"""

from __future__ import annotations

from legonet.diagnostics.codes import (
    build,
    data,
    distill,
    editing,
    graph,
    modules,
    network,
    render,
    spec,
    syntax,
)
from legonet.diagnostics.codes.code import Code

CODES: dict[str, Code] = {
    code.name: code
    for stage in (syntax, spec, graph, data, modules, distill, build, editing, network, render)
    for code in stage.CODES
}

__all__ = ["CODES", "Code"]
