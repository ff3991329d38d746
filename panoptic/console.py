"""The terminal of a run: its stages, how far each is, and how long each took."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from panoptic.reporting.run_log import RunLog

Progress = Callable[[int, int], None]


class Console:
    """Says what happens through the log, which mirrors all that is printed.

    Parameters
    ----------
    bars : draw progress bars; for a terminal, not for a pipe.
    """

    def __init__(self, log: RunLog, *, bars: bool) -> None:
        self.log = log
        self.durations_s: dict[str, float] = {}
        self._bars = bars

    @contextmanager
    def stage(self, title: str) -> Iterator[Progress]:
        """Hand out a progress callback, and say how long the stage took."""
        started = time.perf_counter()
        if self._bars:
            from tqdm import tqdm  # only where there is something to draw on

            with tqdm(desc=title, leave=False, file=sys.stdout) as bar:
                yield partial(_move, bar)
        else:
            yield _ignore
        self.durations_s[title] = time.perf_counter() - started
        self.log.say(f"{title}: {self.durations_s[title]:.1f} s")


def _move(bar: Any, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def _ignore(done: int, total: int) -> None:
    """Report progress to nobody."""
