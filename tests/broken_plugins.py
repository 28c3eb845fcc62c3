"""Plugins that break one promise each, offered under the names of what they break.

Loaded with `--plugin`: `harness check` is to find all of them, and a run is to go on beside them.
"""

from __future__ import annotations

import math
import os
import time
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import TensorDataset

import harness


class Magnitude:
    """Keeps every promise; what the broken ones start from."""

    name = "sound"

    def score(self, evidence):
        return {name: weight.abs() for name, weight in evidence.weights.items()}


class KeepsAll(Magnitude):
    name = "masks_that_keep_all"
    granularities = ("weight",)

    def masks(self, evidence, sparsity):
        return {name: torch.ones_like(w, dtype=torch.bool) for name, w in evidence.weights.items()}


class Galaxy(Magnitude):
    name = "unknown_scope"
    scopes = {"weight": "galaxy"}  # noqa: RUF012 -- as a newcomer writes it
    granularities = ("weight",)


class NoSteps(Magnitude):
    name = "no_steps"
    steps = 0


class NoPenalty(Magnitude):
    name = "penalty_that_is_nan"
    least_steps, scores_after = 1, True

    def penalty(self, trained):
        return next(iter(trained.weights.values())).sum() * float("nan")


class RewritesNothing(Magnitude):
    name = "rewrites_what_is_not_there"

    def rewrite(self, evidence, keep):
        return {"nosuch.weight": torch.zeros(1)}


class ScoresNothing(Magnitude):
    name = "scores_what_is_not_there"

    def score(self, evidence):
        return {**super().score(evidence), "nosuch.weight": torch.zeros(1)}


class NotANumber(Magnitude):
    name = "scores_that_are_nan"

    def score(self, evidence):
        return {name: score * float("nan") for name, score in super().score(evidence).items()}


class OfAnotherLibrary(Magnitude):
    name = "scores_of_numpy"

    def score(self, evidence):
        return {name: score.numpy() for name, score in super().score(evidence).items()}


class FlattensScales(Magnitude):
    name = "fails_on_scales"

    def score(self, evidence):
        return {name: w.flatten(1).var(1, keepdim=True) for name, w in evidence.weights.items()}


class Leaves(Magnitude):
    name = "ends_the_process"

    def score(self, evidence):
        os._exit(3)


class LeavesQuietly(Magnitude):
    name = "exits_as_if_done"

    def score(self, evidence):
        os._exit(0)


class Indifferent(Magnitude):
    name = "scores_all_alike"

    def score(self, evidence):
        return {name: torch.ones_like(weight) for name, weight in evidence.weights.items()}


class Litters(Magnitude):
    name = "writes_where_it_is_run"

    def score(self, evidence):
        Path("scores.txt").write_text("mine")
        return super().score(evidence)


class Pruner(Magnitude):
    """Commas and patterns are what selections are made of."""

    name = "comma,name:x*"


class Halves:
    """Keeps every promise."""

    name = "halves"
    fields: dict = {}  # noqa: RUF012 -- likewise

    def rounds(self, target):
        return [harness.Round(sparsity=target, share=1.0, **self.fields)]


class RewindsBeyond(Halves):
    name, fields = "rewinds_beyond_the_end", {"rewind": 9.0}


class Late(Halves):
    name, fields = "rate_of_no_place", {"rate": "late"}


class Negative(Halves):
    name, fields = "negative_dense_share", {"dense_share": -9.0}


class Noise:
    """Keeps every promise: bright or dark images."""

    name, classes, shape = "bright", 2, (1, 16, 16)

    def split(self, part):
        generator = torch.Generator().manual_seed(("train", "test").index(part))
        labels = torch.arange(64) % 2
        images = torch.randn(64, *self.shape, generator=generator) + labels[:, None, None, None]
        return TensorDataset(images, labels)

    def fingerprint(self):
        return self.name


class SamePart(Noise):
    name = "test_is_train"

    def split(self, part):
        return super().split("train")


class NoSuchLabel(Noise):
    name = "label_that_is_none"

    def split(self, part):
        images, labels = super().split(part).tensors
        labels[30] = 77
        return TensorDataset(images, labels)


class OneHot(Noise):
    name = "labels_in_rows"

    def split(self, part):
        images, labels = super().split(part).tensors
        return TensorDataset(images, nn.functional.one_hot(labels, self.classes))


class OneLabel(Noise):
    name = "one_label_for_all"

    def split(self, part):
        images, labels = super().split(part).tensors
        return TensorDataset(images, torch.zeros_like(labels))


class NoPairs(Noise):
    name = "images_and_labels_apart"

    def split(self, part):
        return super().split(part).tensors


class HoleInside(Noise):
    name = "image_that_is_nan"

    def split(self, part):
        images, labels = super().split(part).tensors
        images[30] = float("nan")
        return TensorDataset(images, labels)


class Unscaled(Noise):
    name = "pixels_times_255"

    def split(self, part):
        images, labels = super().split(part).tensors
        return TensorDataset(images * 255, labels)


class DrawnAnew(Noise):
    name = "images_drawn_anew"

    def split(self, part):
        _, labels = super().split(part).tensors
        return TensorDataset(torch.randn(64, *self.shape), labels)


class Blackout(Noise):
    name = "augment_blacks_out"

    def augment(self, images, generator):
        return images * 0


class OwnDice(Noise):
    name = "augment_ignores_its_generator"

    def augment(self, images, generator):
        return images.flip(3)


class Processor:
    """Keeps every promise."""

    name = "processor"

    def unavailable(self):
        return None

    def describe(self):
        return {"device": harness.cpu_name(), "runtime": "PyTorch"}

    def prepare(self, model, example):
        return model


class Stale(Processor):
    name = "first_output_for_ever"

    def prepare(self, model, example):
        outputs = model(example).clone()
        return lambda images: outputs


class Restless(Processor):
    name = "other_facts_each_time"

    def describe(self):
        return {**super().describe(), "runtime": str(time.time_ns())}


class Remembers(Processor):
    name = "outputs_looked_up"

    def prepare(self, model, example):
        outputs = {}

        def run(images):
            key = images.numpy().tobytes()
            if key not in outputs:
                outputs[key] = model(images)
            return outputs[key]

        return run


class TakesThreads(Processor):
    name = "sets_the_threads"

    def prepare(self, model, example):
        torch.set_num_threads(torch.get_num_threads() + 1)
        return model


class Lists(Processor):
    name = "outputs_in_a_list"

    def prepare(self, model, example):
        return lambda images: model(images).tolist()


class Denies(Processor):
    name = "unavailable_is_false"

    def unavailable(self):
        return False


class Overwrites:
    name = "overwrites_tables"

    def render(self, rows):
        return {"table.csv": b"mine"}


class Clears:
    name = "clears_rows"

    def render(self, rows):
        for row in rows:
            row.clear()
        return {"cleared.txt": b""}


class CountsOn:
    """Joules since it was made."""

    name, source = "counts_on", "estimated"

    def unavailable(self):
        return None

    def meters(self, backend):
        return True

    def begin(self):
        self.began = getattr(self, "began", time.perf_counter())

    def end(self):
        return time.perf_counter() - self.began


class Built:
    """A network of one kind."""

    def __init__(self, name, layers):
        self.name = name
        self.layers = layers

    def build(self, dataset):
        return self.layers(dataset)


def without_parameters(dataset):
    return nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(dataset.classes))


def with_drawn_buffers(dataset):
    network = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(dataset.shape), dataset.classes))

    network.register_buffer("drawn", torch.tensor(time.time_ns()))
    return network


PRUNERS = (
    KeepsAll, Galaxy, NoSteps, NoPenalty, RewritesNothing, ScoresNothing, NotANumber, OfAnotherLibrary,
    FlattensScales, Leaves, LeavesQuietly, Indifferent,
)  # fmt: skip
SCHEDULES = RewindsBeyond, Late, Negative
DATASETS = (
    SamePart, NoSuchLabel, OneHot, OneLabel, NoPairs, HoleInside, Unscaled, DrawnAnew, Blackout,
    OwnDice,
)  # fmt: skip
WRONG_TIMES = Stale, Remembers, TakesThreads, Lists
BACKENDS = *WRONG_TIMES, Restless, Denies
REPORTERS = Overwrites, Clears
MODELS = Built("no_parameters", without_parameters), Built("drawn_buffers", with_drawn_buffers)


@harness.hookimpl
def harness_pruners():
    return [made() for made in (*PRUNERS, Litters)]


@harness.hookimpl
def harness_schedules():
    return [made() for made in SCHEDULES]


@harness.hookimpl
def harness_datasets():
    return [made() for made in DATASETS]


@harness.hookimpl
def harness_backends():
    return [made() for made in BACKENDS]


@harness.hookimpl
def harness_reporters():
    return [made() for made in REPORTERS]


@harness.hookimpl
def harness_meters():
    return [CountsOn()]


@harness.hookimpl
def harness_models(pattern):
    return [model for model in MODELS if fnmatchcase(model.name, pattern)]
