"""A channel-pruned model takes the graph of dense with smaller weights, where it computes the same."""

from dataclasses import replace

import onnx
import pytest
import torch
from torch import nn

from harness.contracts.data import Preprocessing
from harness.conversion.export import Exporter
from harness.conversion.onnx import OnnxConverter
from harness.training.sampling import example_batch
from harness.trials.snapshot import load_model
from harness.trials.trained_models import train_dense
from harness_plugins.datasets.folder import Folder
from harness_plugins.models.timm import TimmModel
from tests.doubles import run_trial


@pytest.fixture
def models(channel_trial, trained):
    """Dense and a model that has lost channels."""

    def made(name=None):
        dense = channel_trial.dense
        dense = replace(dense, model=TimmModel(name)) if name else dense
        own = replace(channel_trial, dense=dense, levels=(0.5,))
        train_dense(dense, trained)
        [level] = run_trial(own, trained)
        keys = dense.key, level.snapshot
        return [load_model(trained.folder(key), dense.model, dense.dataset) for key in keys]

    return made


@pytest.fixture
def exported(monkeypatch, trial, store):
    """Export models one after the other: their graphs, and how many of them PyTorch exported."""

    def run(dense, cut):
        count = []
        export = OnnxConverter.export
        monkeypatch.setattr(
            OnnxConverter, "export", lambda *given: (count.append(1), export(*given))[1]
        )
        exporter = Exporter(name="m", dataset=trial.dense.dataset, store=store)
        graphs = [exporter.graph(OnnxConverter(), model) for model in (dense, cut)]
        return graphs, len(count)

    return run


def computes_the_same(graph, model, dataset):
    file = OnnxConverter().fill(graph, model)
    onnx.checker.check_model(onnx.ModelProto.FromString(file), full_check=True)
    from harness.conversion.onnx import load_onnx

    images = example_batch(dataset, 3)
    with torch.no_grad():
        torch.testing.assert_close(load_onnx(file)(images), model(images), rtol=1e-4, atol=1e-4)


def test_a_model_that_lost_channels_takes_the_graph_of_dense(models, exported, trial):
    dense, cut = models()
    (_, narrow), count = exported(dense, cut)
    assert count == 1
    computes_the_same(narrow, cut, trial.dense.dataset)
    own = onnx.ModelProto.FromString(OnnxConverter().export(cut, example_batch(trial.dense.dataset, 1)))
    found = onnx.ModelProto.FromString(narrow)
    assert [node.op_type for node in found.graph.node] == [node.op_type for node in own.graph.node]
    assert [list(w.dims) for w in found.graph.initializer] == [
        list(w.dims) for w in own.graph.initializer
    ]


def test_a_model_that_lost_features_takes_the_graph_of_dense_too(trial, exported):
    """They are flattened into as many as dense had, which its graph says."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(trial.dense.dataset.shape[0], width, 3) for width in (8, 5)]
    dense, cut = (
        nn.Sequential(
            layer, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(layer.out_channels, 3)
        ).eval()
        for layer in layers
    )
    (_, narrow), count = exported(dense, cut)
    assert count == 1
    computes_the_same(narrow, cut, trial.dense.dataset)
    assert features_of_last_layer(narrow) == 5, "who reads the graph can tell its shapes"


def features_of_last_layer(graph):
    """What the last layer reads, by the shapes that ONNX infers without running."""
    model = onnx.shape_inference.infer_shapes(onnx.ModelProto.FromString(graph), data_prop=True).graph
    [read] = [value for value in model.value_info if value.name == model.node[-1].input[0]]
    return read.type.tensor_type.shape.dim[-1].dim_value


def test_depthwise_convolutions_that_lost_channels_take_the_graph_of_dense_too(models, exported, trial):
    dense, cut = models("test_efficientnet")
    (wide, narrow), count = exported(dense, cut)
    assert count == 1
    computes_the_same(narrow, cut, trial.dense.dataset)
    own = OnnxConverter().export(cut, example_batch(trial.dense.dataset, 1))
    assert groups_in(narrow) == groups_in(own)
    assert sum(groups_in(narrow)) < sum(groups_in(wide))


class Ranges:
    """A converter whose file is the range of the images that it is calibrated on."""

    name, suffix, version = "ranges", ".txt", "1"

    def convert(self, model, images, *, batch):
        return f"{tuple(images.shape[1:])} {images.min():.3f} {images.max():.3f}".encode()


def test_the_same_weights_on_other_inputs_are_another_file(image_folder, trained, dense):
    whole = Folder().configured(str(image_folder))
    asked = [
        whole,
        whole.preprocessed(Preprocessing(size=32, mean=(0.5, 0.5, 0.5))),
        whole.preprocessed(Preprocessing(size=16)),
    ]
    files = {
        Exporter(name="small", dataset=dataset, store=trained).file(
            Ranges(), nn.Identity(), batch=1, folder=trained.folder(dense.key)
        )
        for dataset in asked
    }
    assert len(files) == 3


def groups_in(graph):
    """Numbers of groups of its convolutions."""
    nodes = onnx.ModelProto.FromString(graph).graph.node
    return [own.i for node in nodes for own in node.attribute if own.name == "group"]


def test_a_graph_that_holds_numbers_of_heads_is_exported_anew(models, exported, trial):
    dense, cut = models("test_vit")
    (_, own), count = exported(dense, cut)
    assert count == 2, "attention's reshapes have as many heads as dense"
    computes_the_same(own, cut, trial.dense.dataset)
