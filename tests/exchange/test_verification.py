"""What a submission of a real run cannot hide: changed rows, samples, sizes, keys, types."""

import json
import shutil
import zipfile

import numpy as np
import pytest

from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.exchange._network_checks import network_findings
from harness.exchange._sample_checks import sample_findings, simulated_findings
from harness.exchange.submission import write_submission
from harness.exchange.verification import RECORD_SUFFIX, checked_on, verify, write_record
from harness.measuring.row_columns import SHARED_COLUMNS
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from harness.storage.row_checks import architecture_findings, dense_findings, row_findings
from harness.storage.row_line import row_line
from harness.storage.run_folder import RunFolder
from tests.doubles import ROOT, made_row

RUN = ROOT / "results" / "resnet18-rivals-epyc"


@pytest.fixture(scope="module")
def rows():
    return RunFolder(RUN).rows


@pytest.fixture
def row(rows):
    """A row of channels at a backend whose times are its own."""
    wanted = {"status": "ok", "pruner": "taylor", "sparsity": 0.6}
    return next(dict(row) for row in rows if wanted.items() <= row.items())


def found(row) -> str:
    return " ".join(row_findings(row))


def test_every_published_row_passes(rows):
    for run in sorted((ROOT / "results").glob("*-epyc")):
        for row in RunFolder(run).rows:
            assert list(row_findings(row)) == [], (run.name, row["key"])


def test_every_published_time_follows_from_its_samples(rows):
    assert list(sample_findings(rows, RUN / "samples")) == []


@pytest.mark.parametrize(
    ("column", "change", "said"),
    [
        ("top1", lambda v: v + 0.05, "no multiple of one of 597 images"),
        ("top1", lambda v: v + 10 / 597, "and correct marks"),
        ("retained", lambda v: v * 1.01, "its accuracies make"),
        ("correct", lambda v: v[:-8], "correct marks -1 as right"),
        ("latency_ms", lambda v: v / 2, "fps is"),
        ("latency_ms", lambda _: 1e-7, "no such device needs less"),
        ("ms_saved", lambda v: v * 2, "should rise"),
        ("ms_saved_low", lambda _: -1.0, "(-1 at least)"),
        ("speedup_realised", lambda v: v * 1.1, "speedup_realised is"),
        ("macs", lambda v: v // 2, "target_reached is"),
        ("macs", lambda _: 10**12, "more than the dense network's"),
        ("params", lambda v: v * 10, "more than the dense network's"),
        ("size_mb", lambda _: 0.001, "numbers of four bytes"),
        ("pruner", lambda _: "mine", "and its settings make"),
        ("finetune_epochs", lambda v: v * 10, "and its settings make"),
        ("backend", lambda _: "openvino_cpu", "and its settings make"),
    ],
)
def test_a_number_that_was_changed_does_not_fit_the_others(row, column, change, said):
    assert list(row_findings(row)) == []
    assert said in found({**row, column: change(row[column])})


FORGED = {
    "another processor's word": ({"rounds": None, "samples": "", "latency_ms": 0.2}, "no simulator"),
    "a slower dense": ({"dense_latency_ms": 99.0}, "dense_latency_ms is 99"),
    "no noise": ({"noise_ms": 0.0}, "noise_ms is 0"),
    "a narrower interval": ({"latency_low_ms": 0.0}, "latency_low_ms is 0"),
}


@pytest.mark.parametrize(("change", "said"), FORGED.values(), ids=FORGED)
def test_what_a_row_says_of_its_clock_does_not_fit_its_samples(row, change, said):
    made = [{**row, **change}]
    findings = [*sample_findings(made, RUN / "samples"), *simulated_findings(made, discover())[0]]
    assert said in " ".join(findings)


def test_times_of_another_architecture_are_found(rows, row):
    other = next(r for r in rows if r["pruner"] == "taylor" and r["sparsity"] == 0.3 and r["seed"] == 0)
    stolen = {**other, **{name: row[name] for name in SHARED_COLUMNS}}
    findings = [*sample_findings([row, stolen], RUN / "samples")]
    assert any("which differ" in text for text in findings)


def test_a_later_row_of_a_key_does_not_hide_an_earlier_one(tmp_path, row):
    ledger = Ledger(tmp_path / "run")
    ledger.append(Row(**{**row, "top1": 0.99, "machine": "aaa"}))
    ledger.append(Row(**{**row, "machine": "bbb"}))
    [check] = [c for c in verify(tmp_path / "run", tmp_path, discover()).checks if c.name == "rows"]
    assert any("no multiple of one" in text for text in check.findings)


EMPTIED = [
    {"images": 0}, {"images": 10**6, "correct": ""}, {"top1": None}, {"macs": None}, {"params": 0},
]  # fmt: skip


@pytest.mark.parametrize("change", EMPTIED, ids=str)
def test_what_is_empty_is_no_way_out(row, change):
    assert found({**row, **change})


def test_a_mac_count_that_fits_its_row_does_not_fit_the_others_of_its_architecture(rows, row):
    macs = row["macs"] // 2
    made = {**row, "macs": macs, "target_reached": 1.0 - macs / row["dense_macs"]}
    others = [one for one in rows if one["key"] != row["key"]]
    assert list(architecture_findings(rows)) == []
    [finding] = architecture_findings([*others, made])
    assert f"{macs} and {row['params']}" in finding


def test_a_dense_network_that_one_row_makes_worse_is_found(rows, row):
    assert list(dense_findings(rows)) == []
    others = [one for one in rows if one["key"] != row["key"]]
    easier = {**row, "dense_top1": row["dense_top1"] - 0.1}
    [finding] = dense_findings([*others, easier])
    assert "is right in other test images by row" in finding


def test_dense_sizes_are_counted_again_from_the_network(rows):
    catalogue = discover()
    assert network_findings(rows, RunFolder(RUN).options, catalogue) == ([], [])
    smaller = [{**row, "dense_macs": 1000} for row in rows if row["status"] == "ok"]
    findings, _ = network_findings(smaller, {}, catalogue)
    assert findings == ["resnet18 on digits: dense_macs is 1000, and the network has 37016576"]


def test_a_network_that_is_not_here_is_a_note_and_no_finding(rows):
    foreign = [{**row, "model": "of_somebody"} for row in rows[:3]]
    findings, [note] = network_findings(foreign, {}, discover())
    assert findings == []
    assert "of_somebody on digits was not counted again" in note


def tampered_samples(tmp_path, row):
    """The run's samples with one model's times a tenth shorter."""
    shutil.copytree(RUN / "samples", tmp_path / "samples")
    path = tmp_path / "samples" / row["samples"]
    with np.load(path) as archive:
        samples = {name: archive[name] for name in archive.files}
    shorter = {name: times * 0.9 if "/dense/" not in name else times for name, times in samples.items()}
    np.savez_compressed(path, **shorter)
    return tmp_path / "samples"


def test_samples_that_were_changed_give_other_times(rows, row, tmp_path):
    [first, *_] = sample_findings([row], tampered_samples(tmp_path, row))
    assert first == (
        f"{row['key']}: no samples in {row['samples']} give its latency of {row['latency_ms']:.4g} ms"
    )


def test_a_saving_that_was_changed_with_its_interval_does_not_follow_from_the_samples(row):
    names = ("ms_saved", "ms_saved_low", "ms_saved_high")
    made = {**row, **{name: row[name] + 0.1 for name in names}}
    assert len(list(sample_findings([made], RUN / "samples"))) == 3


@pytest.mark.parametrize("name", ["", "gone.npz", "../rows.jsonl"])
def test_a_timed_row_without_its_samples_is_named(row, name):
    [finding] = sample_findings([{**row, "samples": name}], RUN / "samples")
    assert finding.startswith(row["key"])


def test_a_damaged_archive_is_named(row, tmp_path):
    for content in (b"PK no archive", b"PK\x03\x04" + bytes(40), b""):
        (tmp_path / row["samples"]).write_bytes(content)
        [finding] = sample_findings([row], tmp_path)
        assert "cannot be read" in finding


def test_rows_of_an_older_schema_are_checked_by_what_they_have(rows, row):
    older = {name: value for name, value in row.items() if name not in ("machine", "search", "mean")}
    (text,) = {found({**dict.fromkeys(("machine", "search", "mean"), ""), **older})}
    assert text == ""


def test_a_run_of_another_machine_is_as_good(rows, row):
    assert found({**row, "machine": "another", "cores": 64, "platform": "Darwin arm64"}) == ""


def test_rows_of_several_machines_and_of_earlier_releases_are_noted(tmp_path):
    rows = [made_row(key="a", machine="aaa"), made_row(key="b", machine="bbb"), made_row(key="c")]
    for row in rows:
        Ledger(tmp_path / "run").append(Row(**row))
    verification = verify(tmp_path / "run", tmp_path, discover())
    [check] = [check for check in verification.checks if check.name == "rows"]
    assert check.notes == (
        "measured on 2 machines: a processor (None cores)",
        "1 timed rows are of earlier releases, which do not name their machine",
    )


def test_a_manifest_that_names_other_machines_is_found(tmp_path):
    run = RunFolder(RUN)
    write_submission(run, tmp_path / "x.zip", submitter="", submitted_at="")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["manifest.json"] = members["manifest.json"].replace(b"AMD EPYC", b"Other CPU")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    verification = verify(tmp_path / "x.zip", tmp_path / "there", discover())
    assert verification.findings == [
        "checksums: the manifest names other machines or releases than the rows do"
    ]


def test_a_record_is_of_the_bytes_that_were_checked(tmp_path):
    file = tmp_path / "x.harness.zip"
    file.write_bytes(b"one")
    assert checked_on(file) == ""
    write_record(file, checked_at="2026-11-28T12:00:00+00:00", reruns=[])
    assert checked_on(file) == "2026-11-28"
    file.write_bytes(b"other")
    assert checked_on(file) == ""
    file.with_name(file.name + RECORD_SUFFIX).write_text("[]")
    with pytest.raises(HarnessError, match="is no record"):
        checked_on(file)
    (tmp_path / f"{file.name}{RECORD_SUFFIX}").write_text("[" * 60_000)
    with pytest.raises(HarnessError, match="is no record"):
        checked_on(file)


def test_a_run_folder_is_checked_as_it_is(tmp_path):
    verification = verify(RUN, tmp_path, discover())
    assert [check.name for check in verification.checks] == ["rows", "samples", "networks", "plugins"]
    assert verification.findings == []


def test_a_tampered_row_of_a_submission_is_found_twice(command, tmp_path):
    shutil.copytree(RUN, tmp_path / "run")
    lines = (tmp_path / "run" / "rows.jsonl").read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if '"pruner": "taylor"' in line and '"ok"' in line)
    row = json.loads(lines[at])
    # Whoever tampers can compute a checksum.
    lines[at] = row_line({**row, "top1": row["top1"] + 30 / 597}).decode().strip()
    (tmp_path / "run" / "rows.jsonl").write_text("\n".join(lines) + "\n")
    assert command("submit", "run").returncode == 0
    done = command("verify", "run.harness.zip", "--record", "--comment", "comment.md")
    assert done.returncode == 1
    assert "rows: 2 findings in" in done.stdout
    assert row["key"] in done.stdout
    assert "**2 findings**" in (tmp_path / "comment.md").read_text()
    assert not list(tmp_path.glob("*.checked.json"))
