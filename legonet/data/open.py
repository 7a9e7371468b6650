"""From a source as a spec names it to the source itself."""

from __future__ import annotations

from legonet.data.source import Source
from legonet.diagnostics import DiagnosticError
from legonet.language.sources import SourceForm


def open_source(form: SourceForm) -> Source:
    """Open a source without reading a picture.

    Raises:
        DiagnosticError: Its folder or file is missing or malformed, or the package that it comes
            from failed.
    """
    opens = type(form).opens
    try:
        source = opens(**dict(form))
    except DiagnosticError:
        raise
    except OSError as error:
        if error.filename is None:
            raise _failed(form, error) from error
        raise DiagnosticError.of(
            "LEGO401",
            f"cannot read `{error.filename}`: {(error.strerror or str(error)).lower()}",
            label="not readable",
            help=["permit reading it, or move it out of the source's folder"],
        ) from error
    # Whatever another package raises is reported as its own fault, not as a traceback.
    except Exception as error:
        raise _failed(form, error) from error
    if not isinstance(source, Source):
        raise DiagnosticError.of(
            "LEGO408",
            f"expected `{form.call}` to open a `legonet.data.Source`, "
            f"found a `{type(source).__name__}`",
            label="does not open a source",
            help=[f"it is opened by `{_place(opens)}`"],
        )
    return source


def _failed(form: SourceForm, error: Exception) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO408",
        f"the source `{form.call}` could not be opened: {type(error).__name__}",
        label="its package failed",
        help=[f"it says: {error}", f"it is opened by `{_place(type(form).opens)}`"],
    )


def _place(opens: object) -> str:
    return f"{getattr(opens, '__module__', '')}:{getattr(opens, '__qualname__', opens)}"
