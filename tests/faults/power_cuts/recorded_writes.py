"""What a command writes under a folder, recorded by strace: its operations in order, with data."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CALLS = (
    "openat", "?open", "?creat", "write", "pwrite64", "writev", "pwritev", "?pwritev2", "sendfile",
    "copy_file_range", "splice", "?rename", "renameat", "?renameat2", "?link", "linkat", "?symlink",
    "symlinkat", "?unlink", "unlinkat", "?mkdir", "mkdirat", "?rmdir", "ftruncate", "truncate",
    "fallocate", "fsync", "fdatasync", "msync",
)  # fmt: skip
STRACE = (
    "strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", str(10**8), "-e", "signal=none",
    "-e", f"trace={','.join(CALLS)}",
)  # fmt: skip
STARTED = re.compile(r"(\d+) +(\w+)\((.*)")
RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)")
UNFINISHED = " <unfinished ...>"
RETURNED = re.compile(r"\) += (\d+)(?:<([^>]*)>(?:\(deleted\))?)?$")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
OPENED = re.compile(r"(?:AT_FDCWD|\d+)<([^>]*)>")
UNREAD = frozenset({".lock", "log.txt"})
"""Of a run folder: what nothing reads again."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One change of files under the recorded folder, or the sync of one; paths are relative to it."""

    kind: Literal["create", "write", "resize", "rename", "remove", "folder", "sync"]
    path: str
    data: bytes = b""
    to: str = ""
    offset: int | None = None

    def __str__(self) -> str:
        size = f", {len(self.data)} bytes" if self.kind == "write" else ""
        return f"{self.kind} {self.path}{f' to {self.to}' if self.to else ''}{size}"


@dataclass(frozen=True, kw_only=True)
class _Call:
    """A system call that came to a good end: its words as strace tells them."""

    name: str
    words: str
    value: int
    opened: str

    @property
    def texts(self) -> list[bytes]:
        return [_bytes(text) for text in TEXT.findall(self.words)]

    @property
    def files(self) -> list[str]:
        """Paths of its file descriptors."""
        return [os.fsdecode(_bytes(text)) for text in OPENED.findall(TEXT.sub("", self.words))]

    @property
    def numbers(self) -> list[int]:
        plain = OPENED.sub("", TEXT.sub("", self.words))
        return [int(word) for word in re.findall(r"(?<=, )\d+\b", plain)]


def why_not_recorded() -> str:
    """Why nothing can be recorded here; empty where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run([*STRACE, "-o", os.devnull, "true"], capture_output=True, text=True)
    return "" if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()}"


def record(
    folder: Path, command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> list[Operation]:
    """Run a command in a folder; what it wrote there. The log may be of many megabytes."""
    done = subprocess.run(
        [*STRACE, "-o", str(log), *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    with log.open(encoding="ascii") as lines:
        calls = [*_calls(lines)]
    log.unlink()
    operations = [one for call in calls for one in _operations(call, folder.resolve())]
    return [one for one in operations if Path(one.path).name not in UNREAD]


def _calls(lines: Iterator[str]) -> Iterator[_Call]:
    """Calls in the order in which they ended; a sync where it began: it promises nothing later."""
    begun: dict[str, str] = {}
    for line in lines:
        text = line.rstrip("\n")
        if resumed := RESUMED.match(text):
            process, name, rest = resumed.groups()
            words = begun.pop(f"{process} {name}", None)
            text = f"{process} {name}({words}{rest}" if words is not None else ""
        elif (started := STARTED.match(text)) and text.endswith(UNFINISHED):
            process, name, words = started.groups()
            if "sync" not in name:
                begun[f"{process} {name}"] = words.removesuffix(UNFINISHED)
                continue
            text = text.removesuffix(UNFINISHED) + ") = 0"
        whole, ended = STARTED.match(text), RETURNED.search(text)
        if whole and ended:
            words = whole[3][: ended.start() - whole.start(3)]
            opened = os.fsdecode(_bytes(ended[2] or ""))
            yield _Call(name=whole[2], words=words, value=int(ended[1]), opened=opened)


def _operations(call: _Call, root: Path) -> Iterator[Operation]:
    """What a call did under the root; nothing where it did nothing there."""
    paths = [_relative(path, root) for path in _paths(call, root)]
    if not any(path is not None for path in paths):
        return
    [path, *others] = [path or "" for path in paths]
    match call.name.removeprefix("?"):
        case "openat" | "open" | "creat":
            if "O_CREAT" in call.words and "O_TMPFILE" not in call.words:
                yield Operation(kind="create", path=path)
            if "O_TRUNC" in call.words:
                yield Operation(kind="resize", path=path, offset=0)
        case "write" | "writev":
            yield Operation(kind="write", path=path, data=b"".join(call.texts)[: call.value])
        case "pwrite64":
            data, offset = call.texts[0][: call.value], call.numbers[-1]
            yield Operation(kind="write", path=path, data=data, offset=offset)
        case "ftruncate":
            yield Operation(kind="resize", path=path, offset=call.numbers[-1])
        case "rename" | "renameat" | "renameat2":
            yield Operation(kind="rename", path=path, to=others[0])
        case "unlink" | "unlinkat" | "rmdir":
            yield Operation(kind="remove", path=path)
        case "mkdir" | "mkdirat":
            yield Operation(kind="folder", path=path)
        case "fsync" | "fdatasync":
            yield Operation(kind="sync", path=path)
        case _:
            # What is not understood is not passed over.
            raise NotImplementedError(f"{call.name} of {path}")


def _paths(call: _Call, root: Path) -> list[str]:
    """Absolute paths that a call names, or that its descriptors are of."""
    if call.name in ("openat", "open", "creat"):
        return [call.opened]
    if re.search("rename|link|mkdir|rmdir", call.name):
        # Where none is named beside it, a path is relative to where the command was started.
        beside = call.files or [str(root)]
        texts = [os.fsdecode(text) for text in call.texts]
        return [str(Path(beside[min(n, len(beside) - 1)], text)) for n, text in enumerate(texts)]
    return call.files


def _relative(path: str, root: Path) -> str | None:
    """Path below the root, the root itself as `.`; None of what is elsewhere."""
    normal = Path(os.path.normpath(path))
    return normal.relative_to(root).as_posix() if normal.is_relative_to(root) else None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
