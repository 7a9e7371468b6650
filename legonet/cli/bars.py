"""A build's progress on a terminal: a bar for the whole build, and one for each running step."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from legonet.building import Event
from legonet.cli.progress import BuildProgress, outcome
from legonet.cli.tables import duration
from legonet.diagnostics.text import columns

DRAWN = 8
"""How many times a second the bars are drawn, however often something happens."""

GAP = 2
"""Columns between two cells."""

BARS = {110: 24, 72: 12}
"""Columns of a bar, by the minimum width of the terminal; narrower terminals show no bar."""

PERCENT, TIME = 4, 5
"""Columns for these two numbers."""

NARROWEST_NAME, NARROWEST_MESSAGE = 7, 8
"""The fewest columns that are of any use."""

LOWEST = 3
"""Lines from which a terminal has room for more than the whole build."""

LONG = 100
"""Minutes from which seconds are no longer shown."""

_STYLES = {"finished": "green", "failed": "bold red", "stopped": "yellow", "damaged": "yellow"}
_WORDS = {"finished": "built"}


class Bars:
    """Progress bars below the lines of the steps that have ended.

    Args:
        progress_so_far: The progress of the build.
        console: The terminal.
    """

    def __init__(self, progress_so_far: BuildProgress, console: Console) -> None:
        self._progress = progress_so_far
        self._console = console
        # The longest of all names, so that the columns stay in place.
        self._longest = max((columns(name) for name in progress_so_far.names), default=0)
        # Events come from the build's thread, drawing happens in a thread of its own.
        self._lock = Lock()
        self._live = Live(
            console=console,
            get_renderable=self.picture,
            refresh_per_second=DRAWN,
            transient=True,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Bars:
        """Start drawing."""
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing and remove the bars."""
        self._live.stop()

    def hear(self, event: Event) -> None:
        """Process an event; one that ends a step adds a line above the bars."""
        with self._lock:
            self._progress.hear(event)
        if event.kind not in _STYLES:
            return
        word = _WORDS.get(event.kind, event.kind)
        more = outcome(event)
        room = max(12, self._console.width - 9 - columns(more) - GAP)
        line = Text(f"{word:7}", style=_STYLES[event.kind])
        line.append(f"  {shortened(event.step.name, room)}", style="default not bold")
        line.append(f"  {more}" if more else "", style="default not bold dim")
        self._console.print(line, no_wrap=True, overflow="ellipsis", crop=True)

    def picture(self) -> Group:
        """Return the bars as they are now, as wide and high as the terminal allows."""
        width, height = self._console.size
        with self._lock:
            steps = list(self._progress.at_work.values())
            # One line is for the whole build, and the cursor is in another.
            shown = steps if len(steps) <= height - 2 else steps[: max(0, height - 3)]
            whole = f"{self._progress.ended} of {self._progress.total}"
            layout = _Layout.of(width, max(self._longest, columns(whole)))
            table = layout.table()
            done, seconds = self._progress.fraction, self._progress.seconds
            table.add_row(*layout.row(whole, done, seconds, self._outlook()), style="bold")
            for item in shown:
                spent = self._progress.clock() - item.since
                table.add_row(*layout.row(item.step.name, item.fraction, spent, item.message))
        hidden = len(steps) - len(shown)
        if not hidden or height < LOWEST:
            return Group(table)
        return Group(table, Text(f"and {hidden} more at work", "dim", no_wrap=True))

    def _outlook(self) -> str:
        """Return what comes next, or how long it may take."""
        if not self._progress.at_work:
            return "starting" if not self._progress.ended else ""
        left = self._progress.left()
        return "" if left is None else f"~{duration(left)} left"


@dataclass(frozen=True)
class _Layout:
    """The columns of the bars: name, bar, percent, time and message.

    What does not fit is left out: first the bar, then the message is cut.
    """

    name: int
    bar: int
    message: int

    @classmethod
    def of(cls, width: int, longest: int) -> _Layout:
        """Return the layout for a terminal of so many columns, and names of at most so many."""
        name = min(longest, max(NARROWEST_NAME, width // 3))
        bar = next((bar for least, bar in BARS.items() if width >= least), 0)
        fixed = name + GAP + (bar + GAP if bar else 0) + PERCENT + GAP + TIME
        message = width - fixed - GAP
        return cls(name, bar, message if message >= NARROWEST_MESSAGE else 0)

    def table(self) -> Table:
        """Return an empty table."""
        made = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
        made.add_column(width=self.name, no_wrap=True)
        if self.bar:
            made.add_column(width=self.bar)
        made.add_column(width=PERCENT, justify="right", no_wrap=True)
        made.add_column(width=TIME, justify="right", no_wrap=True)
        if self.message:
            made.add_column(width=self.message, no_wrap=True, overflow="ellipsis", style="dim")
        return made

    def row(self, name: str, done: float, seconds: float, message: str) -> list[RenderableType]:
        """Return the cells of a row."""
        bar = [ProgressBar(total=1.0, completed=done, width=self.bar)] if self.bar else []
        return [
            Text(shortened(name, self.name)),
            *bar,
            f"{done:.0%}",
            clock(seconds),
            *([Text(message)] if self.message else []),
        ]


def shortened(name: str, room: int) -> str:
    """Return a name, without its middle if it is wider than so many columns."""
    if columns(name) <= room:
        return name
    head, tail = name[: len(name) // 2], name[len(name) // 2 :]
    while head and columns(head) + 1 + columns(tail) > room:
        head, tail = (head[:-1], tail) if len(head) > len(tail) else (head, tail[1:])
    return f"{head}\N{HORIZONTAL ELLIPSIS}{tail}"


def clock(seconds: float) -> str:
    """Return a time such as ``0:12``, ``61:05`` or ``2h05m``, in five columns."""
    minutes, rest = divmod(int(seconds), 60)
    if minutes < LONG:
        return f"{minutes}:{rest:02}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m"
