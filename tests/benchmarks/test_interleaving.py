"""Whether sessions of ONNX Runtime that are alive together slow each other down."""

import os
from statistics import median
from time import perf_counter

import pytest
import timm
import torch

from harness.conversion.onnx import OnnxConverter, load_onnx

TURNS, ROUNDS = 6, 15
OTHERS = 3
DISTORTION = 1.5
"""Threads that spin make it three and more."""


@pytest.fixture
def file():
    model, image = timm.create_model("resnet18", num_classes=10).eval(), torch.randn(1, 3, 64, 64)
    converter = OnnxConverter()
    return converter.fill(converter.export(model, image), model)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has no second thread to spin")
def test_a_session_is_as_fast_among_others_as_alone(file):
    image = torch.randn(1, 3, 64, 64)
    alone, among = [], []
    torch.set_num_threads(2)
    try:
        run = load_onnx(file)
        for _ in range(TURNS):
            alone += [seconds(run, image) for _ in range(ROUNDS)]
            others = [load_onnx(file) for _ in range(OTHERS)]
            for _ in range(ROUNDS):
                for other in others:
                    other(image)
                among.append(seconds(run, image))
            del others, other
    finally:
        torch.set_num_threads(1)
    assert median(among) < DISTORTION * median(alone)


def seconds(run, image):
    start = perf_counter()
    run(image)
    return perf_counter() - start
