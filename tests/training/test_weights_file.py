"""Dense models from a file of weights."""

import json
import struct
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.runs.request import Request
from harness.storage.file_hash import file_hash
from harness.training.recipe import Recipe
from harness.training.synthetic import residual_network
from harness.training.weights_file import load_weights
from harness.trials.snapshot import load_model
from harness.trials.trained_models import train_dense
from harness_plugins.datasets.digits import Digits
from harness_plugins.models.cifar_resnets import CifarResNet
from harness_plugins.models.pretrained import PretrainedModel
from tests.doubles import refusal


@pytest.fixture
def file(network, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({n: v for n, v in network.state_dict().items() if "num_batches" not in n}, path)
    return path


def test_a_dense_model_of_no_epochs_is_what_the_file_holds(dense, store, network, file):
    given = replace(dense, weights=file, recipe=Recipe(dense_epochs=0.0))
    train_dense(given, store)
    model = load_model(store.folder(given.key), given.model, given.dataset)
    assert torch.equal(model.third.weight, network.third.weight)
    assert torch.equal(model.norm3.running_mean, network.norm3.running_mean)


def test_another_file_is_another_dense_model(dense, file):
    given = replace(dense, weights=file)
    assert given.settings["weights"] == file_hash(file)
    assert given.key != dense.key


def test_what_does_not_fit_is_named(network, file, tmp_path):
    state = network.state_dict()
    wrong = tmp_path / "wrong.safetensors"
    for change, sentence in (
        ({"extra": torch.zeros(1)}, "holds 'extra', which this model does not have"),
        (
            {"first.weight": torch.zeros(2)},
            r"'first.weight' shaped \(2,\), but the model's is \(8, 3, 3, 3\)",
        ),
        (
            {"first.weight": torch.full((8, 3, 3, 3), torch.nan)},
            "holds NaN or infinity in 'first.weight'",
        ),
    ):
        save_file({**state, **change}, wrong)
        with pytest.raises(HarnessError, match=sentence):
            load_weights(network, wrong, Digits())
    save_file({n: v for n, v in state.items() if n != "first.weight"}, wrong)
    with pytest.raises(HarnessError, match=r"lacks 'first\.weight', which this model has"):
        load_weights(network, wrong, Digits())
    wrong.write_bytes(b"no weights")
    with pytest.raises(HarnessError, match="is no safetensors file"):
        load_weights(network, wrong, Digits())


def test_a_header_that_pytorch_cannot_make_tensors_of_is_named(tmp_path):
    facts = {"dtype": "F32", "shape": [2**63, 0], "data_offsets": [0, 0]}
    header = json.dumps({"first.weight": facts}).encode()
    (tmp_path / "odd.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(HarnessError, match=r"odd\.safetensors is no safetensors file"):
        load_weights(residual_network(), tmp_path / "odd.safetensors", Digits())


WRAPPED = [
    (lambda state: state, ""),
    (lambda state: {"state_dict": state, "epoch": 3}, "under 'state_dict'"),
    (lambda state: {"model": state, "args": Namespace(lr=0.1)}, "under 'model'"),
    (
        lambda state: {"model": zeros(state), "ema": state, "optimizer": {}},
        "under 'ema', not those under 'model'",
    ),
    (lambda state: prefixed(state, "module."), "without 'module.' before their names"),
    (
        lambda state: {"model": prefixed(state, "_orig_mod.module.")},
        "under 'model', without '_orig_mod.module.' before their names",
    ),
    (
        lambda state: prefixed(state, "ema.") | prefixed(zeros(state), "model."),
        "without 'ema.' before their names, not those under 'model.'",
    ),
]
"""What training scripts make of weights, and what is said of them."""


@pytest.mark.parametrize(("wrap", "taken"), WRAPPED)
@pytest.mark.parametrize("ending", [".pth", ".pt"])
def test_weights_are_taken_out_of_what_a_training_script_wraps_them_in(wrap, taken, ending, tmp_path):
    wanted, path = weights(), tmp_path / f"file{ending}"
    torch.save(wrap(wanted), path)
    assert_taken(path, wanted, taken)


@pytest.mark.parametrize(("wrap", "taken"), [pair for pair in WRAPPED if "under" not in pair[1]])
def test_safetensors_files_hold_them_under_longer_names_alone(wrap, taken, tmp_path):
    wanted, path = weights(), tmp_path / "file.safetensors"
    save_file({name: value.clone() for name, value in wrap(wanted).items()}, path)
    assert_taken(path, wanted, taken)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_of_earlier_releases_is_read_or_named(protocol, tmp_path):
    wanted, path = weights(), tmp_path / "file.pth"
    torch.save(wanted, path, pickle_protocol=protocol, _use_new_zipfile_serialization=False)
    if protocol == 2:
        assert_taken(path, wanted, "")
    else:
        with pytest.raises(HarnessError, match="is damaged, or cannot be read without executing"):
            load_weights(residual_network(), path, Digits())


def weights():
    return {name: value.clone() for name, value in residual_network().state_dict().items()}


def assert_taken(path, wanted, taken):
    other = residual_network()
    assert str(load_weights(other, path, Digits())) == taken
    assert all(torch.equal(value, wanted[name]) for name, value in other.state_dict().items())


def test_names_that_the_model_itself_has_are_left_as_they_are(tmp_path):
    def wrapped():
        return torch.nn.ModuleDict({"model": residual_network()})

    torch.save(wrapped().state_dict(), tmp_path / "file.pth")
    assert str(load_weights(wrapped(), tmp_path / "file.pth", Digits())) == ""


def zeros(state):
    return {name: torch.zeros_like(value) for name, value in state.items()}


def prefixed(state, prefix):
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize("content", [residual_network(), {"weights": [1.0], "epoch": 3}, [1.0]])
def test_a_file_without_weights_by_name_is_refused_with_the_way_out(content, network, tmp_path):
    torch.save(content, tmp_path / "whole.pth")
    with pytest.raises(HarnessError, match=r"whole\.pth .*(state_dict\(\)|no weights by name)"):
        load_weights(network, tmp_path / "whole.pth", Digits())


def test_a_pickle_is_never_executed(network, tmp_path):
    class Harmful:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"state_dict": network.state_dict(), "hook": Harmful()}, tmp_path / "harmful.pth")
    with pytest.raises(HarnessError, match="cannot be read without executing what it holds"):
        load_weights(network, tmp_path / "harmful.pth", Digits())
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "content", [b"version https://git-lfs", b"<html>", b"", b"\x80 damaged", b"PK damaged"]
)
def test_a_file_that_is_no_checkpoint_is_named(content, network, tmp_path):
    (tmp_path / "odd.pth").write_bytes(content)
    with pytest.raises(HarnessError, match=r"odd\.pth is (no file of torch|damaged)"):
        load_weights(network, tmp_path / "odd.pth", Digits())


@pytest.mark.parametrize(
    "odd",
    [
        torch.zeros(8, 3, 3, 3).to(torch.float8_e4m3fn),
        torch.zeros(8, 3, 3, 3, dtype=torch.int8),
        torch.zeros(8, 3, 3, 3, dtype=torch.complex64),
    ],
    ids=["float8", "int8", "complex"],
)
def test_numbers_that_a_model_does_not_hold_are_refused(odd, network, tmp_path):
    torch.save({**network.state_dict(), "first.weight": odd}, tmp_path / "odd.pth")
    with pytest.raises(HarnessError, match=r"holds 'first\.weight' as .* no plain numbers"):
        load_weights(network, tmp_path / "odd.pth", Digits())


def test_weights_by_number_are_no_weights_by_name(network, tmp_path):
    torch.save(dict(enumerate(network.state_dict().values())), tmp_path / "odd.pth")
    with pytest.raises(HarnessError, match="holds no weights by name"):
        load_weights(network, tmp_path / "odd.pth", Digits())


@pytest.mark.parametrize("left_out", [False, True])
def test_a_classifier_of_other_classes_is_begun_fresh_only_when_asked(left_out, tmp_path):
    trained, path = CifarResNet(20).build(Digits()), tmp_path / "weights.safetensors"
    state = {n: v for n, v in trained.state_dict().items() if not n.startswith("linear")}
    if not left_out:
        state |= {"linear.weight": torch.ones(100, 64), "linear.bias": torch.ones(100)}
    save_file(state, path)
    model = CifarResNet(20).build(Digits())
    fresh = model.linear.weight.clone()
    with pytest.raises(HarnessError, match=r"'linear\.weight'.*--reset-classifier"):
        load_weights(model, path, Digits())
    load_weights(model, path, Digits(), reset_classifier=True)
    assert torch.equal(model.linear.weight, fresh)
    assert torch.equal(model.conv1.weight, trained.conv1.weight)


def test_weights_without_their_classifier_are_other_weights(dense, file):
    plain = replace(dense, weights=file)
    assert replace(plain, reset_classifier=True).key != plain.key


def test_a_classifier_is_reset_of_weights_alone():
    with pytest.raises(HarnessError, match="--reset-classifier is for --weights FILE"):
        asked(models="test_resnet", reset_classifier=True)


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (56, 0.85), (110, 1.73)])
def test_cifar_resnets_have_the_papers_sizes(depth, millions):
    # He et al. (2016), table 6.
    model = CifarResNet(depth).build(Digits())
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


def test_a_shortcut_without_weights_strides_and_pads_with_zeros():
    block = CifarResNet(20).build(Digits()).eval().layer2[0]
    for module in block.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.zeros_(module.weight)
    x = torch.rand(1, 16, 4, 4)
    found = block(x)[0]
    assert torch.equal(found[8:24], x[0, :, ::2, ::2])
    assert not found[:8].any()
    assert not found[24:].any()


PRETRAINED = "test_resnet.r160_in1k"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The model hub's cache, without the hub; `hub(model)` puts a model's weights there."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def keep(model):
        repository = tmp_path / "hub" / f"models--timm--{PRETRAINED}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("0" * 40)
        snapshot = repository / "snapshots" / ("0" * 40)
        snapshot.mkdir(parents=True)
        save_file(model.state_dict(), snapshot / "model.safetensors")

    return keep


def test_pretrained_weights_are_timms_with_a_fresh_last_layer(dense, store, hub):
    trained = timm.create_model("test_resnet")
    hub(trained)
    [model] = discover().choose_models(PRETRAINED)
    given = replace(dense, model=model, recipe=Recipe(dense_epochs=0.0))
    train_dense(given, store)
    built = load_model(store.folder(given.key), model, given.dataset)
    wanted = trained.state_dict()
    alike = {n: torch.equal(v, wanted[n]) for n, v in built.state_dict().items() if "fc" not in n}
    assert all(alike.values())
    assert built.fc.out_features == 10


def test_pretrained_weights_that_cannot_be_had_are_named(hub):
    with pytest.raises(HarnessError, match=f"the weights of {PRETRAINED} cannot be had: "):
        PretrainedModel(PRETRAINED).build_pretrained(Digits())


def test_a_file_of_weights_for_a_model_that_has_its_own_is_refused(hub, file):
    hub(timm.create_model("test_resnet"))
    with pytest.raises(HarnessError, match=f"dense training of {PRETRAINED} starts from weights"):
        asked(models=PRETRAINED, weights=file)


def test_a_tag_that_does_not_exist_is_named(command):
    told = refusal(command("run", "--models", "test_resnet.r160_in2k", "--dry-run"))
    assert "no model is called 'test_resnet.r160_in2k'" in told


def asked(**changes):
    axes = {
        "dataset": "digits", "pruners": "random", "granularities": "weight", "scope": "published",
        "schedules": "one_shot", "levels": "0.5", "seeds": "0", "backends": "eager_cpu",
        "batch_sizes": "1", "threads": 1, "recipe": Recipe(),
    }  # fmt: skip
    return Request(**axes | changes).grid(discover())
