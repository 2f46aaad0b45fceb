"""Progress of long work on the terminal: a line a step, counted while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Step:
    """One step under way."""

    def __init__(self, progress: Progress, task: TaskID, total: int | None) -> None:
        self._progress = progress
        self._task = task
        self._total = total
        self._counted = 0

    def count(self, done: int) -> None:
        """Show that so many are done in all."""
        self._counted = max(done, self._counted)
        self._progress.update(self._task, completed=self._counted, count=f"{self._counted:,}")

    def add(self, more: int) -> None:
        """Show that so many more are done."""
        self.count(self._counted + more)

    def remaining(self, waiting: int) -> None:
        """Show that so many still wait; more may come to wait than were expected."""
        self._total = max(self._total or 0, waiting)
        self._progress.update(
            self._task,
            total=self._total,
            completed=self._total - waiting,
            count=f"{waiting:,} to go",
        )


class Steps:
    """The steps of a long piece of work, one line each."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=32),
            TextColumn("{task.fields[count]:>16}"),
            TimeElapsedColumn(),
            console=console,
        )

    def __enter__(self) -> Self:
        """Begin to show."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the lines as they are."""
        self._progress.stop()

    @contextmanager
    def step(self, what: str, *, total: int | None = None) -> Iterator[Step]:
        """Show a step for the length of the block."""
        task = self._progress.add_task(what, total=total, count="")
        yield Step(self._progress, task, total)
        self._progress.update(task, total=1, completed=1, count="done")
