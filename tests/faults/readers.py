"""Readers of what strangers wrote, one function each: any bytes give what is sound, or an own error.

What a reader lets through beside HarnessError and click's own refusals is a bug, as is a file that is
opened outside of where it reads, memory without end, and a value that there cannot be.
"""

import ast
import io
import json
import math
import re
import resource
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from functools import cache
from hashlib import sha256
from os.path import normpath
from pathlib import Path
from warnings import catch_warnings

import click
import pluggy
import torch
import zstandard
from msgspec.json import Decoder

from harness.commands.run import run as run_command
from harness.comparisons.fail_on import read_fail_on
from harness.contracts.options import number_from
from harness.discovery import hookspecs
from harness.discovery.backend_file import backend_files
from harness.discovery.loading import discover
from harness.discovery.selection import parse_selection, selected_names
from harness.engines.shard import parse_shard
from harness.errors import HarnessError, visible
from harness.exchange.merge import merge_runs
from harness.exchange.submission import opened_run, read_submission
from harness.exchange.verification import checked_on, verify
from harness.measuring.backend_evaluation import BackendEvaluation
from harness.measuring.deployed_size import ExportRecord, _read_peaks
from harness.options.run_options import RunOptions, beyond_defaults
from harness.options.value_types import cores_to_pin
from harness.planning.axis_selection import (
    checked_levels,
    checked_numbers,
    levels_of_speedups,
    selected_granularities,
    whole_numbers,
)
from harness.presentation.timing_samples import SampleArchives
from harness.publishing.reported import read_reported
from harness.storage.artifacts import ArtifactStore, check_artifact, read_artifact
from harness.storage.checksums import CHECKED_END
from harness.storage.damage import sample_damages
from harness.storage.keys import measurement_key, trial_key
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from harness.storage.row_checks import architecture_findings, dense_findings, missing_findings
from harness.storage.run_folder import RunFolder
from harness.training.recipe import StepCost
from harness.training.weights_file import stored_weights
from harness.trials.level_result import read_level_result
from harness.trials.snapshot import read_facts, read_state
from harness.trials.spared_layers import named_layers
from tests.doubles import ROOT

REFUSALS = (HarnessError, click.ClickException)
"""What a command prints in one line, and exits with 2."""
MOST_GROWTH = 1 << 30
"""Bytes that one file of a few kilobytes may take at most."""
MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of one's own is made in it
LARGEST = 1e15
KEY = "levels@0.5"
PIECE = re.compile(rb"\n?--piece ([^\n]*)\n")
"""Before each file of an archive that is still to be packed, so that mutations keep its checksums."""
ZIP, ZSTD, PICKLE = b"PK", zstandard.FRAME_HEADER, b"\x80"
STARTS = ("os.system", "os.exec", "os.fork", "subprocess.Popen", "socket.connect")
OPENED: list[str] = []
WATCHED = [False]


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if WATCHED[0] and event == "open" and isinstance(arguments[0], str):
        OPENED.append(arguments[0])
    elif WATCHED[0] and event in STARTS:
        OPENED.append(event)


sys.addaudithook(_audit)


@cache
def scratch() -> Path:
    """A folder of this process, in memory where that can be."""
    return Path(tempfile.mkdtemp(prefix="readers-", dir=MEMORY if MEMORY.is_dir() else None))


@contextmanager
def refusing() -> Iterator[None]:
    """What is refused is well; what is opened elsewhere, and memory without end, is not."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    OPENED.clear()
    WATCHED[0] = True
    try:
        with suppress(*REFUSALS):
            yield
    finally:
        WATCHED[0] = False
    inside = (str(scratch()), str(ROOT), sys.prefix, sys.base_prefix, "/proc", "/sys", "/usr/lib")
    opened = [normpath(path) for path in OPENED if "site-packages" not in path]
    elsewhere = [path for path in opened if not path.startswith(inside)]
    assert not elsewhere, elsewhere
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MOST_GROWTH, f"{grown / 1e6:.0f} MB for one file"


def written(name: str, content: bytes) -> Path:
    """A file of that content."""
    path = scratch() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def sealed(text: bytes, *, key: str = "") -> bytes:
    """The text with the checksum that whoever wrote it would have computed."""
    text = unsealed(text)
    if not text.endswith(b"}"):
        return text
    comma = b", " if len(text) > 2 else b""
    return b'%b%b"check": "%08x"}' % (text[:-1], comma, zlib.crc32(text, zlib.crc32(key.encode())))


def unsealed(text: bytes) -> bytes:
    """The text without a checksum, as earlier releases wrote it."""
    text = text.rstrip()
    head = CHECKED_END.sub(b"", text[-20:])
    return text if head == text[-20:] else text[:-20].removesuffix(b", ") + b"}"


def rekeyed(line: bytes) -> bytes:
    """A line with the keys that its settings make."""
    try:
        row = {**{item.name: item.default for item in fields(Row)}, **json.loads(unsealed(line))}
        row["trial"] = trial_key(row)
        row["key"] = measurement_key(row)
        return json.dumps(row).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return line


def check_row(row: Mapping[str, object]) -> None:
    """Every column has its type and is in its range, told by the row and not by its reader."""
    for item in fields(Row):
        value, words = row[item.name], str(item.type)
        if value is None:
            assert "None" in words, item.name
        elif words.startswith(("str", "Status")):
            assert isinstance(value, str)
            assert value == visible(value), item.name
            assert value.encode().isascii() or value.isprintable(), item.name
        elif words.startswith("bool"):
            assert isinstance(value, bool), item.name
        else:
            assert isinstance(value, int if words.startswith("int") else int | float), item.name
            assert not isinstance(value, bool), item.name
            check_number(item.name, value, unit=item.metadata["unit"], sign=item.metadata["sign"])


def check_number(name: str, value: float, *, unit: str, sign: str) -> None:
    """Whether a number can be what its column says."""
    assert math.isfinite(value), name
    assert abs(value) <= (1 if unit == "fraction" else LARGEST), name
    assert sign == "any" or value >= 0, name
    assert sign != "positive" or value > 0, name


def read_ledger(content: bytes) -> None:
    """A ledger as it is, with checksums of its own, with none, and with its keys computed anew."""
    lines = content.splitlines()
    for change in (None, sealed, unsealed, rekeyed):
        whole = content if change is None else b"".join(change(line) + b"\n" for line in lines)
        written("rows.jsonl", whole)
        with refusing():
            ledger = Ledger(scratch())
            rows, damages = ledger.read()
            for row in rows:
                check_row(row)
            assert len(rows) + len(damages) <= whole.count(b"\n")
            whole_rows = [row for row in rows if not [*missing_findings(row)]]
            texts = [*damages, *architecture_findings(whole_rows), *dense_findings(whole_rows)]
            assert all("\n" not in text for text in texts)
            assert damages or not rows or ledger.columns()


RECORDS: Mapping[str, Callable[[bytes], object]] = {
    "level": read_level_result,
    "export": Decoder(ExportRecord).decode,
    "memory": _read_peaks,
    "evaluation": Decoder(BackendEvaluation).decode,
    "step": Decoder(StepCost).decode,
    "json": json.loads,
}


def read_record(content: bytes) -> None:
    """A record of every kind, as it is and with a checksum of its own."""
    store = ArtifactStore(scratch())
    for text in (content, sealed(content, key=KEY)):
        written(f"{KEY}.json", text)
        for read in RECORDS.values():
            with refusing():
                store.sound_record(KEY, read)
        with refusing():
            level = store.sound_record(KEY, read_level_result)
            assert level is not None
            assert 0.0 <= level.sparsity <= 1.0
            assert all(part is None or abs(part) <= 1.0 for part in (level.sparsity_reached,))
            assert min(level.facts.epochs, level.facts.train_seconds, level.facts.layers_at_floor) >= 0
            store.folder(level.snapshot).relative_to(scratch())


def read_checksums(content: bytes) -> None:
    """What an artifact says of its files, with a checksum that its folder's name is in, and without."""
    written("artifact/facts.json", b"{}")
    for text in (content, sealed(content, key="artifact")):
        path = written("artifact/checks.json", text)
        with refusing():
            check_artifact(path.parent)
        with refusing():
            assert read_artifact(path.with_name("facts.json")) == b"{}"


def read_snapshot_facts(content: bytes) -> None:
    """Facts of a snapshot."""
    path = written("snapshot/facts.json", content)
    with refusing():
        facts = read_facts(path.parent)
        assert 0.0 <= facts.top1 <= 1.0
        assert facts.top5 is None or 0.0 <= facts.top5 <= 1.0
        assert 0.0 <= facts.chance <= 1.0
        assert facts.images > 0
        sizes = facts.params, facts.params_nonzero, facts.prunable, facts.prunable_nonzero, facts.macs
        assert min(*sizes, facts.size_mb, facts.compressed_mb, facts.train_seconds) >= 0
        assert max(*sizes, facts.size_mb, facts.compressed_mb, facts.train_seconds) <= LARGEST


def read_snapshot_weights(content: bytes) -> None:
    """Weights of a snapshot; what is not compressed yet is."""
    packed = content if content.startswith(ZSTD) else zstandard.compress(content, 1)
    path = written("snapshot/weights.safetensors.zst", packed)
    with refusing():
        state = read_state(path.parent)
        assert all(isinstance(value, torch.Tensor) for value in state.values())


def read_weights_file(content: bytes) -> None:
    """A file of weights: safetensors, or one of `torch.save`'s, whose zip may be still to be packed."""
    is_pickle = content.startswith((ZIP, PICKLE, b"--piece"))
    path = written("w.pth" if is_pickle else "w.safetensors", packed_archive(content))
    with refusing():
        stored = stored_weights(path)
        assert all(isinstance(value, torch.Tensor) for value in stored.state.values())
        assert all(isinstance(name, str) for name in stored.state)


def pieces(content: bytes) -> dict[str, bytes]:
    """Files of an archive that is still to be packed."""
    _, *words = PIECE.split(content)
    names = [name.decode("utf-8", "replace") for name in words[::2]]
    return dict(zip(names, words[1::2], strict=True))


def packed_archive(content: bytes, files: Mapping[str, bytes] | None = None) -> bytes:
    """Zip of pieces, with the right checksums; other content as it is."""
    if not content.startswith(b"--piece") and files is None:
        return content
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, piece in (files if files is not None else pieces(content)).items():
            with suppress(UnicodeEncodeError), catch_warnings(action="ignore"):
                file.writestr(zipfile.ZipInfo(name), piece)
    return archive.getvalue()


def read_samples(content: bytes) -> None:
    """An archive of samples."""
    path = written("run/samples/s.npz", packed_archive(content))
    for damage in sample_damages(path.parent):
        assert "\n" not in damage.reason
    for batch in (1, 8):
        with refusing():
            archives = SampleArchives(path.parent)
            for own in archives.processes("s.npz", batch):
                assert all(isinstance(label, str) for label in own)
            archives.of({"samples": "s.npz", "batch": batch, "latency_ms": 1.0})


@cache
def catalogue():
    """All that is installed."""
    return discover("")


def read_submitted(content: bytes) -> None:
    """A submission: read, unpacked, verified but for its networks, and merged with itself."""
    files = pieces(content)
    if content.startswith(b"--piece checked"):
        lines = files.get("rows.jsonl", b"").splitlines()
        files = {**files, "rows.jsonl": b"".join(sealed(line) + b"\n" for line in lines)}
        files.pop("checked", None)
    if files and "manifest.json" not in files:
        sums = {name: sha256(piece).hexdigest() for name, piece in files.items()}
        manifest = {"format": 1, "machines": [], "files": sums}
        files["manifest.json"] = json.dumps(manifest).encode()
    path = written("theirs.harness.zip", packed_archive(content, files or None))
    out = Path(tempfile.mkdtemp(dir=scratch()))
    try:
        with refusing():
            submission = read_submission(path)
            submission.submitted.encode("utf-8", "replace")
            verify(path, out / "verified", without_models())
        with refusing():
            run, _ = opened_run(path, out / "unpacked")
            merge_runs([run, run], out / "merged")
            for row in Ledger(out / "merged").rows():
                check_row(row)
        for one in out.rglob("*"):
            assert one.resolve().is_relative_to(out), one
    finally:
        remove(out)


@cache
def without_models():
    """Nothing installed: networks are built by nobody, which takes too long."""
    manager = pluggy.PluginManager("harness")
    manager.add_hookspecs(hookspecs)
    return replace(catalogue(), manager=manager)


def remove(folder: Path) -> None:
    """A folder and all in it."""
    shutil.rmtree(folder)


def read_checked(content: bytes) -> None:
    """What is told beside a submission of when it was checked."""
    path = written("own.harness.zip", b"")
    same = content.replace(b"SHA256", sha256(b"").hexdigest().encode())
    written("own.harness.zip.checked.json", same)
    with refusing():
        assert len(checked_on(path)) <= 10


def read_settings(content: bytes) -> None:
    """A file of `--config`, a run's own options, and reported values, all of which are TOML."""
    path = written("options.toml", content)
    with refusing():
        options = RunFolder(scratch()).options
        again = beyond_defaults(options)
        assert all(isinstance(value, bool | int | float | str) for value in again.values())
    with refusing():
        read_reported(path)
    with refusing():
        arguments = ["--config", str(path), "--dry-run", "--models", "resnet18"]
        with run_command.make_context("run", arguments) as context:
            check_options(context.params)


def check_options(values: Mapping[str, object]) -> None:
    """What was typed, or a file says, is finite, and makes a request or is refused."""
    for name, value in values.items():
        assert not isinstance(value, float) or math.isfinite(value), name
    options = options_of(RunOptions, values)
    options.request()
    options.timing.stopping_rule()


def options_of(settings, values):
    """Options as the command is given them."""
    made = {}
    for item in fields(settings):
        group = item.metadata.get("group")
        made[item.name] = options_of(group, values) if group else values[item.name]
    return settings(**made)


LAYERS = ("conv1", "layer1.0.conv1", "layer1.0.conv2", "fc")


def read_levels(text: str) -> None:
    """Sparsity levels, as they are and as speed-ups."""
    for levels in (lambda: checked_levels(checked_numbers("levels", text, float)),
                   lambda: levels_of_speedups(text)):  # fmt: skip
        with refusing():
            assert all(0.0 < level < 1.0 for level in levels())


def read_plugins(text: str) -> None:
    """Names of plugins, with arguments."""
    for kind in ("pruner", "schedule", "backend", "meter", "reporter"):
        with refusing():
            for plugin in catalogue().choose(kind, text):
                assert isinstance(plugin.name, str)


def read_models(text: str) -> None:
    """Names of models, among a thousand."""
    for model in catalogue().choose_models(text):
        assert isinstance(model.name, str)


SELECTIONS: tuple[Callable[[str], object], ...] = (
    read_models,
    read_levels,
    read_plugins,
    lambda text: parse_selection(text, LAYERS, kind="layer"),
    lambda text: selected_names(text, LAYERS, kind="layer"),
    lambda text: selected_granularities(text, {"onnxruntime_cpu": 8}),
    lambda text: [*map(int, whole_numbers("seeds", text, least=0, most=2**32 - 1))],
    lambda text: named_layers(LAYERS, text),
    lambda text: read_fail_on(text, remeasured=True),
    lambda text: read_fail_on(text, remeasured=False),
    lambda text: parse_shard(text),
    cores_to_pin,
    lambda text: number_from(text, lambda number: number > 0, takes="it takes a number"),
)


def read_selections(content: bytes) -> None:
    """A text of the command line, read as the kind that its first byte says; `*`: as all but models."""
    text = content[1:].decode("utf-8", "surrogateescape")
    first = ord(content[:1] or b"*") % len(SELECTIONS)
    for read in SELECTIONS[1:] if content[:1] == b"*" else SELECTIONS[first : first + 1]:
        with refusing():
            read(text)


def read_backend_file(content: bytes) -> None:
    """A Python file of backends; it is run by contract, so here only what does nothing when it is."""
    if not is_harmless(content):
        return
    folder = Path(tempfile.mkdtemp(dir=scratch()))
    try:
        (folder / "backends.py").write_bytes(content)
        with refusing():
            for name, file in backend_files(folder).items():
                assert isinstance(name, str)
                file.open()
    finally:
        remove(folder)


QUIET = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Constant, ast.List, ast.Tuple,
    ast.Dict, ast.Set, ast.Assign, ast.Name, ast.Load, ast.Store, ast.Expr, ast.ClassDef, ast.Raise,
    ast.Pass,
)  # fmt: skip


def is_harmless(content: bytes) -> bool:
    """Whether a file is no Python at all, or neither calls, imports nor reads anything."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return True
    return all(isinstance(node, QUIET) for node in ast.walk(tree))


READERS: Mapping[str, Callable[[bytes], None]] = {
    "ledger": read_ledger,
    "record": read_record,
    "checksums": read_checksums,
    "facts": read_snapshot_facts,
    "weights": read_snapshot_weights,
    "weights_file": read_weights_file,
    "samples": read_samples,
    "submission": read_submitted,
    "checked": read_checked,
    "settings": read_settings,
    "selections": read_selections,
    "backend_file": read_backend_file,
}
