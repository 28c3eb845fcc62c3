"""What strangers may write, changed in every way: it is read as sound, or refused by an own error.

Examples are the same in every run; those that the fuzzer kept are replayed, and `tox -e fuzz` looks for
others.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.options.declaration import defaults_of
from harness.options.run_options import RunOptions
from tests.doubles import ROOT
from tests.faults.fuzz import CORPUS
from tests.faults.readers import READERS
from tests.faults.readers.archives import PIECE

EXAMPLES = settings(max_examples=1000, derandomize=True, deadline=None, database=None)
KEPT = sorted(path for path in CORPUS.rglob("*") if path.is_file())
LINES = (ROOT / "results" / "regression" / "rows.jsonl").read_bytes().splitlines()
HOSTILE = (
    None, True, False, 0, -1, 1, 2**53 + 1, 10**18, -(10**400), 0.5, 1.5, -0.0, 5e-324, 1e300, -1e300,
    float("nan"), float("inf"), "", "a", "nan", "1e999", "9" * 5000, "\x1b]0;a\x07", "\u202e", "\udcff",
    "\0", "../../../etc/hostname", "/etc/hostname", "a" * 300, [], [1], [[]], {}, {"a": [{}]}, "ok",
)  # fmt: skip
TOML = (
    "0", "-1", "1", "0.5", "1e999", "-inf", "nan", "true", "[]", "[[1]]", "{a = 1}", "''", "'a'", "'*'",
    "1979-05-27", "07:32:00", "9" * 400, "0x" + "f" * 6000, f"'{'9' * 5000}'", "'\u202e'", "[true]",
    '"a\\u0000b"', "[1.5, 'a']", "'/etc/hostname'", f"'{'a' * 5000}'", "[" * 3000, "'0.5,2'", "'64:'",
)  # fmt: skip
TERMS = (
    "all", "!", "!all", ":", "*", "?", "[", "[!a]", "-", "=", "off", "x", "/", ".", " ", "0", "0.5",
    "2", "-1", "nan", "inf", "1e999", "1e-999", "9" * 400, "2:4", "block:4x4", "channel:8", "\u0662",
    "fc", "dense", "trials", "lost", "top1", "latency", "taylor", "iterative", "watts", "conv1",
    "eager_cpu", "\udcff", "\0",
)  # fmt: skip


def seeds(reader):
    """What is kept of a reader."""
    return st.sampled_from([path.read_bytes() for path in KEPT if path.parent.name == reader])


@st.composite
def edited(draw, contents):
    """Some bytes of a content cut, doubled, or others in their place."""
    content = draw(contents)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 9)))
        put = draw(st.binary(max_size=9) | st.just(content[start : start + 99] * 2))
        content = content[:start] + put + content[end:]
    return content


@st.composite
def objects(draw, contents):
    """A JSON object without some of its names, and with what is hostile under others."""
    value = json.loads(draw(contents))
    for name in draw(st.lists(st.sampled_from([*value]), max_size=3)):
        value.pop(name, None)
    names = st.sampled_from([*value]) if value else st.nothing()
    changes = st.dictionaries(names | st.sampled_from(["later", "../a"]), st.sampled_from(HOSTILE))
    return json.dumps(value | draw(changes.filter(lambda them: len(them) < 5))).encode()


@st.composite
def tables(draw):
    """Settings with what is hostile for a value."""
    names = st.sampled_from([*defaults_of(RunOptions), "reported", "a.b", "[[reported]]\nmodel"])
    pairs = st.dictionaries(names, st.sampled_from(TOML), max_size=4)
    lines = [f"{name} = {value}\n" for name, value in draw(pairs).items()]
    return "".join(lines).encode()


@st.composite
def archives(draw, contents):
    """An archive with some files gone, doubled or changed, its checksums right."""
    _, *words = PIECE.split(draw(contents))
    files = [*zip(words[::2], words[1::2], strict=True)]
    chosen = draw(st.lists(st.sampled_from(files), max_size=4)) if files else []
    names = st.sampled_from([b"", b"../a", b"/a", b"samples/../a.npz", b"1/a/0.npy", b"manifest.json"])
    renamed = [(draw(st.just(name) | names), draw(edited(st.just(piece)))) for name, piece in chosen]
    return b"\n".join(b"--piece %b\n%b" % pair for pair in renamed)


def rows():
    """Lines of a ledger, each of a published row that was changed."""
    lines = st.lists(objects(st.sampled_from(LINES)), min_size=1, max_size=3)
    return lines.map(lambda them: b"".join(line + b"\n" for line in them))


def submitted_rows():
    """A submission of changed rows, each with a checksum of its own."""
    return rows().map(lambda lines: b"--piece checked\n\n--piece rows.jsonl\n" + lines)


def own(reader):
    """Contents that are of the kind that a reader expects, and wrong."""
    if reader == "ledger":
        return rows()
    if reader in ("facts", "record", "checksums", "checked"):
        return objects(seeds(reader).filter(is_object))
    if reader in ("samples", "submission", "weights_file"):
        pieces = archives(seeds(reader).filter(lambda content: content.startswith(b"--piece")))
        return pieces | submitted_rows() if reader == "submission" else pieces
    if reader == "settings":
        return tables()
    if reader == "selections":
        texts = st.lists(st.sampled_from([*TERMS, ","]), max_size=6).map("".join)
        return texts.map(lambda text: b"*" + text.encode("utf-8", "surrogateescape"))
    return edited(seeds(reader))


def is_object(content):
    """Whether a content is an object of JSON with names."""
    try:
        return bool(isinstance(value := json.loads(content), dict) and value)
    except (ValueError, RecursionError):
        return False


@pytest.mark.parametrize("reader", READERS)
@EXAMPLES
@given(data=st.data())
def test_what_is_wrong_in_its_own_kind_is_sound_or_refused(reader, data):
    READERS[reader](data.draw(own(reader)))


@pytest.mark.parametrize("reader", READERS)
@EXAMPLES
@given(data=st.data())
def test_bytes_that_were_changed_are_sound_or_refused(reader, data):
    READERS[reader](data.draw(edited(seeds(reader)) | st.binary(max_size=200)))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_kept_is_sound_or_refused(path):
    READERS[path.parent.name](path.read_bytes())


def test_every_reader_has_examples_of_its_own():
    assert {path.parent.name for path in KEPT} == {*READERS}
