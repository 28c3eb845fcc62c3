"""What a user waits for that is not training or timing."""

import json
import os

import pytest
import torch

from harness.discovery.loading import discover
from harness.pruning.masks import weight_masks
from harness.ranking.leaderboard import leaderboards
from harness.storage.keys import measurement_key, trial_key
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from tests.benchmarks.made import million_rows

APPENDS, READS, KEYS, WEIGHTS, BOARDS = 1_000, 100_000, 10_000, 25_000_000, 100


def test_discovery(timed):
    assert not timed(discover, rounds=10).broken


def test_keys_of_10_000_settings(timed):
    settings = [vars(Row(trial="trial", pruner="taylor", seed=seed)) for seed in range(KEYS)]

    def hash_all():
        return {(trial_key(found), measurement_key(found)) for found in settings}

    assert len(timed(hash_all, rounds=5)) == KEYS


def test_masks_of_25_million_weights(timed):
    generator = torch.Generator().manual_seed(0)
    layers = 50
    scores = {str(n): torch.rand(WEIGHTS // layers, generator=generator) for n in range(layers)}
    masks = timed(lambda: weight_masks(scores, 0.9, scope="global"), rounds=5)
    assert sum(int(keep.sum()) for keep in masks.values()) == WEIGHTS // 10


def test_1_000_appends_but_for_the_disk(timed, tmp_path, monkeypatch):
    # How long a disk takes to sync says nothing of the harness.
    monkeypatch.setattr(os, "fsync", lambda number: None)
    ledger = Ledger(tmp_path)
    rows = [Row(key=f"key {number}") for number in range(APPENDS)]

    def append_all():
        for row in rows:
            ledger.append(row)

    timed(append_all, rounds=5)
    assert len(ledger.rows()) == APPENDS


@pytest.fixture
def long_ledger(tmp_path):
    ledger = Ledger(tmp_path)
    row = vars(Row(top1=0.9, latency_ms=6.1, dense_latency_ms=10.2, correct="e" * 80, saves_time=True))
    with ledger.path.open("w") as file:
        for number in range(READS):
            file.write(json.dumps({**row, "key": f"key {number}"}) + "\n")
    return ledger


def test_reading_100_000_rows(timed, long_ledger):
    assert timed(lambda: len(long_ledger.rows()), rounds=3) == READS


def test_ranking_of_1_000_000_rows(timed):
    rows = million_rows()
    assert timed(lambda: len(leaderboards(rows)), rounds=3) == BOARDS
