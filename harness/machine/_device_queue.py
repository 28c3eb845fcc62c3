"""Device queue: who computes or times on a device and who waits, first come, first served.

A readers-writer lock across all processes of this machine. Each draws a numbered ticket, a file that it
keeps locked; one that dies lets go of it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from harness.machine._lock_folder import lock_folder
from harness.storage.keys import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL_SECONDS = 0.1
LONGEST_COMMAND = 160
"""Letters of a command that are shown."""
TICKET = ".ticket"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who has a ticket: the command, its process and folder, and since when."""

    command: str
    process: int
    folder: str
    since: str
    exclusive: bool

    @classmethod
    def this_process(cls, *, exclusive: bool) -> Holder:
        """Of a worker, the run that it works for."""
        parent = multiprocessing.parent_process()
        return cls(
            command=" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            process=parent.pid if parent and parent.pid else os.getpid(),
            folder=os.getcwd(),  # noqa: PTH109 -- Path.cwd is this, and a string is what is shown
            since=time.strftime("%H:%M"),
            exclusive=exclusive,
        )

    def __str__(self) -> str:
        """For people, in one line, whatever another process wrote."""
        does = "times" if self.exclusive else "computes"
        where = f"process {self.process} in {self.folder}, since {self.since}"
        words = f"{self.command[:LONGEST_COMMAND]} ({where}), which {does} on it"
        return "".join(letter for letter in words if letter.isprintable())


class DeviceQueue:
    """Queue of a device: any number that share it, or one that has it alone."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._folder = lock_folder() / file_name(f"harness-queue-{device}")
        self._folder.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            # Other people's runs share the device too; where this is not allowed, the folder is theirs.
            self._folder.chmod(0o777)
        self._mutex = FileLock(self._folder / "mutex", mode=0o666)

    @contextmanager
    def admitted(self, *, exclusive: bool, waiting: Callable[[str], None]) -> Iterator[None]:
        """Be served, after all who came before and are not to share; `waiting` is told for whom."""
        number, lock = self._drawn(exclusive=exclusive)
        try:
            told = ""
            while ahead := self._ahead_of(number, exclusive=exclusive):
                others = f" and {len(ahead) - 1} more" if len(ahead) > 1 else ""
                sentence = f"waiting for {ahead[0]}{others}: {self._device}"
                if sentence != told:
                    waiting(sentence)
                    told = sentence
                time.sleep(POLL_SECONDS)
            yield
        finally:
            with self._mutex:
                _remove(Path(lock.lock_file))
                lock.release()

    def holders(self) -> list[Holder]:
        """Who has a ticket, in the order in which they came."""
        with self._mutex:
            return [holder for _, holder in self._living()]

    def _drawn(self, *, exclusive: bool) -> tuple[int, FileLock]:
        with self._mutex:
            numbers = [int(path.stem) for path in self._folder.glob(f"*{TICKET}")]
            number = max(numbers, default=0) + 1
            path = self._folder / f"{number:012}{TICKET}"
            holder = asdict(Holder.this_process(exclusive=exclusive))
            _words_of(path).write_text(json.dumps(holder), encoding="utf-8")
            lock = FileLock(path, mode=0o666)
            lock.acquire()
        return number, lock

    def _ahead_of(self, number: int, *, exclusive: bool) -> list[Holder]:
        with self._mutex:
            living = [*self._living(before=number)]
        return [holder for _, holder in living if exclusive or holder.exclusive]

    def _living(self, *, before: int | None = None) -> Iterator[tuple[int, Holder]]:
        """Tickets of processes that live; those of others are removed."""
        for path in sorted(self._folder.glob(f"*{TICKET}")):
            number = int(path.stem)
            if before is not None and number >= before:
                return
            try:
                with FileLock(path, blocking=False):
                    _remove(path)
            except Timeout:
                yield number, Holder(**json.loads(_words_of(path).read_text(encoding="utf-8")))


def _words_of(ticket: Path) -> Path:
    """Beside the ticket, which whoever locks it empties."""
    return ticket.with_suffix(".json")


def _remove(ticket: Path) -> None:
    ticket.unlink(missing_ok=True)
    _words_of(ticket).unlink(missing_ok=True)
