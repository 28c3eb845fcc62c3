"""Images become what weights were trained on: as the network states, or as was typed."""

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from timm.data import create_dataset, create_transform, resolve_model_data_config

from harness.contracts.data import Preprocessing
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.options._data_options import DataOptions
from harness.planning.model_inputs import TypedPreprocessing, model_inputs
from harness.runs.request import Request
from harness.training.evaluation import evaluate
from harness.training.recipe import Recipe
from harness.trials.rival import Rival
from harness_plugins.datasets.digits import Digits
from harness_plugins.datasets.folder import Folder
from harness_plugins.models.pretrained import PretrainedModel
from harness_plugins.models.timm import TimmModel
from tests.doubles import SmallModel

HALF = (0.5, 0.5, 0.5)
TEST_RESNET = Preprocessing(size=160, crop_pct=0.95, mean=HALF, std=HALF)
"""What timm states of test_resnet."""


@pytest.fixture
def photographs(photographs_of):
    """Folder of images of 200 x 180 pixels."""
    return photographs_of((200, 180), count=3, grain=(200, 180))


def inputs(dataset, *models, from_file=True, **typed):
    return model_inputs(dataset, models, DataOptions(**typed).preprocessing(), from_file=from_file)


def test_weights_from_a_file_read_what_their_network_states(photographs):
    model = TimmModel("test_resnet")
    found = inputs(photographs, model)
    assert found.of(model).preprocessing() == TEST_RESNET
    assert found.of(model).shape == (3, 160, 160)
    assert found.sentences == [
        "test_resnet reads 160 x 160 of 168 pixels, bilinear, mean 0.5, std 0.5: as the network "
        "states; --mean, --std and --resize say otherwise"
    ]


def test_timms_own_weights_read_what_timm_states_each_for_itself(photographs):
    small, large = PretrainedModel("test_resnet.r160_in1k"), PretrainedModel("resnet10t.c3_in1k")
    found = inputs(photographs, small, large, from_file=False)
    assert found.of(small).preprocessing() == TEST_RESNET
    assert found.of(large).shape == (3, 176, 176)
    assert found.data_hash(small) != found.data_hash(large) != photographs.fingerprint()


@pytest.mark.parametrize("model", [TimmModel("test_resnet"), SmallModel()])
def test_fresh_weights_and_networks_that_state_nothing_read_images_whole(model, photographs):
    found = inputs(photographs, model, from_file=isinstance(model, SmallModel))
    assert found.of(model) == photographs
    assert photographs.shape == (3, 180, 180)
    said = " ".join(found.sentences)
    assert said.endswith("the network states nothing; --mean, --std and --resize say otherwise") == (
        isinstance(model, SmallModel)
    )


def test_one_thumbnail_among_photographs_decides_nothing(photographs):
    first = sorted((photographs.path / "train").glob("*/*.png"))[0]
    Image.open(first).resize((20, 20)).save(first)
    assert Folder().configured(str(photographs.path)).shape == (3, 180, 180)


@pytest.mark.parametrize("failing", [RuntimeError("no such layer"), KeyError("width")])
def test_a_network_that_cannot_be_built_is_named(failing, photographs):
    class Broken(SmallModel):
        def build(self, dataset):
            raise failing

    with pytest.raises(HarnessError, match="cannot be built: "):
        inputs(photographs, Broken())


def test_small_images_are_not_scaled_up(image_folder):
    model, folder = TimmModel("test_resnet"), Folder().configured(str(image_folder))
    found = inputs(folder, model)
    assert found.of(model).preprocessing() == replace(TEST_RESNET, size=32, crop_pct=1.0)
    assert "the network states 160, but the images are of 32 (--resize 160 scales" in found.sentences[0]
    assert inputs(folder, model, resize="160").of(model).shape == (3, 160, 160)


def test_what_is_typed_comes_before_what_is_stated(photographs):
    model = TimmModel("test_resnet")
    found = inputs(photographs, model, mean="0.1,0.2,0.3", resize="73:64", interpolation="bicubic")
    asked = found.of(model).preprocessing()
    assert (asked.size, asked.scaled_to) == (64, 73)
    assert (asked.mean, asked.std, asked.interpolation) == ((0.1, 0.2, 0.3), HALF, "bicubic")
    assert found.sentences[0].endswith(
        "as --mean, --resize, --interpolation say; the rest is as the network states"
    )
    fresh = inputs(photographs, model, from_file=False, std="0.25").of(model).preprocessing()
    assert fresh == replace(photographs.preprocessing(), std=(0.25, 0.25, 0.25))


@pytest.mark.parametrize("scaled_to", range(65, 300, 7))
def test_a_crop_is_of_the_pixels_that_were_typed(scaled_to):
    typed = TypedPreprocessing(size=64, scaled_to=scaled_to).over(Preprocessing(size=9))
    assert typed.scaled_to == scaled_to


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"mean": "0.5,0.5"}, "--mean takes one number or three, as 0.5,0.4,0.3, not 0.5,0.5"),
        ({"mean": "nan"}, "--mean takes one number or three"),
        ({"std": "0"}, "--std 0: a deviation is above 0"),
        ({"resize": "big"}, "--resize takes pixels, as 64 or 256:224, not 'big'"),
        ({"resize": "0"}, "--resize takes pixels"),
        ({"resize": "256:"}, "--resize takes pixels, as 64 or 256:224, not '256:'"),
        ({"resize": ":64"}, "--resize takes pixels"),
        ({"resize": "64:96"}, "--resize 64:96: no 96 pixels can be cut from 64"),
    ],
)
def test_what_makes_no_sense_is_refused(typed, sentence):
    with pytest.raises(HarnessError, match=sentence):
        DataOptions(**typed).preprocessing()


def test_images_that_come_ready_are_not_normalised_again():
    with pytest.raises(HarnessError, match="--std is for image files, not for digits"):
        inputs(Digits(), SmallModel(), std="0.5")


def test_a_rival_reads_what_its_own_network_asks_for(image_folder):
    folder = Folder().configured(str(image_folder))
    grid = asked(folder, models="resnet18", rivals="test_resnet", mean="0.5")
    dense = grid.dense_models()
    [rival] = [trial for trial in grid.trials(dense) if isinstance(trial, Rival)]
    assert rival.network.dataset.preprocessing().mean == HALF
    assert rival.network.data_hash == dense[0].data_hash


def test_rows_say_what_inputs_are(photographs):
    grid = asked(photographs, mean="0.5,0.4,0.3")
    [dense] = grid.dense_models()
    columns = {
        "input_size": 180, "crop_pct": 1.0, "crop_mode": "center", "interpolation": "bilinear",
        "mean": "0.5 0.4 0.3", "std": "0.229 0.224 0.225", "test_images_in_train": 0,
    }  # fmt: skip
    assert {name: dense.settings[name] for name in columns} == columns
    assert dense.key != asked(photographs).dense_models()[0].key


def test_nothing_is_trained_on_the_test_images(photographs):
    one_set = Folder().configured(str(photographs.path / "test"))
    with pytest.raises(HarnessError, match="has no train/ and test/ in it, so nothing can be trained"):
        asked(one_set)
    grid = asked(one_set, recipe=Recipe(dense_epochs=0.0, finetune_epochs=0.0))
    assert not grid.trains
    assert "6 test images are training images too" in grid.inputs.sentences[-1]


def asked(folder, *, recipe=None, models="test_resnet", rivals="", **typed):
    return Request(
        models=models, rivals=rivals, dataset=f"folder:{folder.path}", pruners="random",
        granularities="weight", scope="published", schedules="one_shot", levels="0.5", seeds="0",
        backends="eager_cpu", batch_sizes="1", threads=1, recipe=recipe or Recipe(),
        preprocessing=DataOptions(**typed).preprocessing(),
    ).grid(discover())  # fmt: skip


# timm leaves it to Python to close what it opens.
timm_opens = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@timm_opens
def test_accuracy_is_timms_own_to_the_last_image(photographs):
    torch.manual_seed(3)
    network = timm.create_model("test_resnet", num_classes=2).eval()
    model = TimmModel("test_resnet")
    evaluation = evaluate(network, inputs(photographs, model).of(model))
    with torch.inference_mode():
        theirs = [
            network(image[None]).argmax().item() == label
            for image, label in timms(network, photographs.path / "test")
        ]
    assert evaluation.correct.tolist() == theirs


PHOTOGRAPHS = [*Path(__file__).parents[3].glob("*/data/imagenet-sample.tar")]
"""The thousand of results/README.md, in whatever folder beside the checkout."""


@timm_opens
@pytest.mark.skipif(not PHOTOGRAPHS, reason="no */data/imagenet-sample.tar lies beside the checkout")
def test_a_published_network_reads_photographs_as_in_timms_evaluation(tmp_path):
    with tarfile.open(PHOTOGRAPHS[0]) as file:
        photographs = [member for member in file.getmembers() if member.isfile()][::20]
        file.extractall(tmp_path, members=photographs, filter="data")
    model, folder = (
        TimmModel("tf_efficientnet_lite0"),
        Folder().configured(f"{tmp_path}/imagenet-sample"),
    )
    ours = inputs(folder, model).of(model).split("test")
    for (image, label), (theirs, same) in zip(
        ours, timms(model.build(folder), folder.path), strict=True
    ):
        assert torch.equal(image, theirs)
        assert label == same


def timms(network, root):
    transform = create_transform(**resolve_model_data_config(network), is_training=False)
    return create_dataset("", root, transform=transform)
