"""Readers under a fuzzer that is guided by coverage: `python -m tests.faults.fuzz READER --seconds 60`.

Begins with tests/faults/corpus/READER, which tests replay, and keeps there what reaches other code, as
few and small files as do. What a reader fails on is kept there too, so that tests fail until it is
mended; the exit code is 1 then.
"""

import argparse
import os
import resource
import shlex
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
CHILD = "TESTS_FAULTS_FUZZ"
MOST_FILES, MOST_BYTES = 24, 24_000
"""Kept of a reader, all of which are replayed by every run of the tests."""
ROOM = 4 << 30
"""Bytes of address space that a reader may take beside what is there when it begins."""
LIMITS = ("-timeout=20", "-rss_limit_mb=3000", "-max_len=8192", "-print_final_stats=1")
INSTRUMENTED = ["harness", "tomllib"]
WORDS = (
    "null", "true", "false", "1e999", "1e-999", "-1", "1e300", "9007199254740993", "NaN", "Infinity",
    "\\ud800", "\\u001b", "\\u202e", "\\u0000", '"check": "00000000"}', "[[[[", '{"":', "../",
    "/etc/hostname", "--piece ", "manifest.json", "rows.jsonl", "samples/a.npz", "options.toml",
    "1/dense/0.npy", "'descr': '<f8'", "'shape': (3,)", "|O", "|V0", "dense:1/4", "2:4", "block:4x4",
    "channel:8", "latency=off", "all=off", "!all", "F32", "F8_E8M0", "data_offsets", "__metadata__",
    "dtype", "shape", "harness_backends", "status", "ok", "history", "snapshot", "SHA256", "checked_at",
)  # fmt: skip


def fuzz(reader: str, arguments: list[str]) -> None:
    """Fuzz in this process, which ends with that."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.faults.readers import READERS
    from torch._weights_only_unpickler import Unpickler

    Unpickler.load = atheris.instrument_func(Unpickler.load)
    room = ROOM + int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    # As which the fuzzer starts itself, by the shell, to merge.
    own = f"{shlex.quote(sys.executable)} -m tests.faults.fuzz {reader}"
    atheris.Setup([own, *arguments], READERS[reader])
    atheris.Fuzz()


def started(reader: str, *arguments: str) -> int:
    """Exit code of a process that fuzzes, or merges what was kept."""
    command = [sys.executable, "-m", "tests.faults.fuzz", reader, *arguments]
    return subprocess.run(command, env={**os.environ, CHILD: reader}, check=False).returncode


def dictionary(folder: Path) -> Path:
    """Words that readers know, for the fuzzer to put in: columns, settings, and what is hostile."""
    from harness.options.declaration import defaults_of
    from harness.options.run_options import RunOptions
    from harness.storage.row import Row

    words = [*WORDS, *(item.name for item in fields(Row)), *defaults_of(RunOptions)]
    path = folder / "words"
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in words)
    path.write_text("".join(f'"{word}"\n' for word in quoted))
    return path


def campaign(reader: str, *, seconds: int, runs: int) -> bool:
    """Fuzz one reader and keep what is new; whether nothing went wrong."""
    kept = CORPUS / reader
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        new, least = Path(folder) / "new", Path(folder) / "least"
        new.mkdir()
        least.mkdir()
        code = started(
            reader, f"-max_total_time={seconds}", f"-runs={runs}", f"-artifact_prefix={kept}/",
            f"-dict={dictionary(Path(folder))}", *LIMITS, str(new), str(kept),
        )  # fmt: skip
        if code == 0:
            started(reader, "-set_cover_merge=1", *LIMITS, str(least), str(kept), str(new))
            keep(least, kept)
    return code == 0


def keep(least: Path, kept: Path) -> None:
    """Add what reaches more to what is kept, the smallest first, as long as there is room."""
    total = sum(path.stat().st_size for path in kept.iterdir())
    count = len([*kept.iterdir()])
    for path in sorted(least.iterdir(), key=lambda path: path.stat().st_size):
        total += path.stat().st_size
        count += not (kept / path.name).exists()
        if total > MOST_BYTES or count > MOST_FILES:
            break
        (kept / path.name).write_bytes(path.read_bytes())


def main() -> None:
    """One reader, or all of them in turn."""
    if CHILD in os.environ:
        fuzz(sys.argv[1], sys.argv[2:])
    readers = sorted(path.name for path in CORPUS.iterdir())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=[*readers, "all"])
    parser.add_argument("--seconds", type=int, default=60, help="of each reader")
    parser.add_argument("--runs", type=int, default=-1, help="of each reader; -1: as many as fit")
    asked = parser.parse_args()
    chosen = readers if asked.reader == "all" else [asked.reader]
    well = [campaign(reader, seconds=asked.seconds, runs=asked.runs) for reader in chosen]
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
