"""Each check of a backend and of its converter refuses one that is wrong in that way alone."""

import copy
import io
from unittest import SkipTest

import pytest
import torch

import harness
from harness.testing.backends import check_backend
from tests.testing.processor import Processor


class Deaf(Processor):
    def prepare(self, model, example):
        return lambda images: torch.zeros(len(images), 10)


class Stale(Processor):
    """Computes once, and returns that for ever."""

    def prepare(self, model, example):
        kept = []

        def run(images):
            kept.append(model(images))
            return kept[0]

        return run


class OneBuffer(Processor):
    """Writes each output over the one before."""

    def prepare(self, model, example):
        buffer = torch.zeros(len(example), 10)
        return lambda images: buffer.copy_(model(images))


class Pruning(Processor):
    """Changes the model that it is given."""

    def prepare(self, model, example):
        run = copy.deepcopy(model)
        model.first.weight.data.zero_()
        return run


class Anonymous(Processor):
    def describe(self):
        return {"device": "a processor", "runtime": ""}


class Idle:
    name = "idle"

    unavailable, describe = Processor.unavailable, Processor.describe


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Deaf(), "outputs differ from PyTorch's"),
        (Stale(), "outputs differ from PyTorch's by .* at a second batch 1"),
        (OneBuffer(), "outputs differ from PyTorch's"),
        (Pruning(), "must leave the model as it is"),
        (Anonymous(), "`describe` must tell the runtime"),
        (Idle(), r"must take a model \(`prepare`\) or load a file"),
    ],
)
def test_a_broken_backend_is_told_what_is_wrong(broken, sentence):
    assert check_backend(Processor()) == (harness.RunsModel,)
    with pytest.raises(AssertionError, match=sentence):
        check_backend(broken)


class Absent(Processor):
    def unavailable(self):
        return "pip install it"


class Mute(Processor):
    def unavailable(self):
        return ""


class AbsentAndWrong(Absent):
    channel_multiple = 0


def test_a_backend_that_is_not_here_is_skipped_with_its_reason():
    with pytest.raises(SkipTest, match="processor: pip install it"):
        check_backend(Absent())
    with pytest.raises(AssertionError, match="`unavailable` must return None or say why"):
        check_backend(Mute())
    # What can be told of it all the same is told.
    with pytest.raises(AssertionError, match="channel_multiple must be a whole number above 0"):
        check_backend(AbsentAndWrong())


class Facts(Processor):
    """With all that a backend may tell of itself."""

    torch_device = "cpu"
    tolerance = 0.01
    most_images = 2
    channel_multiple = 8
    reads_weights = False

    def peak_macs(self, threads):
        return 1e9 * threads


class Nowhere(Facts):
    torch_device = "abacus"


class Exact(Facts):
    tolerance = 0.0


class Full(Facts):
    most_images = 0


class Uneven(Facts):
    channel_multiple = 1.5


class Unsure(Facts):
    reads_weights = "no"


class Slow(Facts):
    """Slower the more threads it has."""

    def peak_macs(self, threads):
        return 1e9 / threads


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Nowhere(), "torch_device is none of PyTorch's"),
        (Exact(), "tolerance must be a number above 0, not 0.0"),
        (Full(), "most_images must be a whole number above 0, not 0"),
        (Uneven(), "channel_multiple must be a whole number above 0, not 1.5"),
        (Unsure(), "reads_weights must be True or False, not 'no'"),
        (Slow(), "peak_macs must be above 0, and no less on more threads"),
    ],
)
def test_facts_that_make_no_sense_are_named(broken, sentence):
    assert check_backend(Facts()) == (
        harness.RunsModel, harness.OnDevice, harness.Approximate, harness.LimitsBatch,
        harness.PrefersMultiple, harness.ReadsWeights, harness.Bounded,
    )  # fmt: skip
    with pytest.raises(AssertionError, match=sentence):
        check_backend(broken)


def packed(model):
    content = io.BytesIO()
    torch.save(model, content)
    return content.getvalue()


def unpacked(file):
    return torch.load(io.BytesIO(file), weights_only=False)


class Pickles:
    """PyTorch's own files; what the broken converters below start from."""

    name, suffix, version = "pickle", ".pt", "1"

    def convert(self, model, images, *, batch):
        return packed(model)


class Dotless(Pickles):
    suffix = "pt"


class Unversioned(Pickles):
    version = ""


class Wordy(Pickles):
    def convert(self, model, images, *, batch):
        return "a model"


class Untrained(Pickles):
    """Forgets the weights."""

    def convert(self, model, images, *, batch):
        forgetful = copy.deepcopy(model)
        forgetful.classifier.reset_parameters()
        return packed(forgetful)


class Twofold(Pickles):
    """Makes files in two ways."""

    def export(self, model, example):
        return packed(model)

    def fill(self, graph, model):
        return packed(model)


class Reader:
    """Loads what `Pickles` makes."""

    name = "reader"
    converter_class = Pickles

    unavailable, describe = Processor.unavailable, Processor.describe

    @property
    def converter(self):
        return self.converter_class()

    def load(self, file):
        return unpacked(file)


class Archive(Pickles):
    """Packs the other's file once more."""

    source = Pickles()

    name = "archive"
    convert = None

    def refine(self, file, images, *, batch):
        return packed(file)


class ArchiveReader(Reader):
    converter_class = Archive

    def load(self, file):
        return unpacked(unpacked(file))


class WrongSource(Archive):
    source = Dotless()


class Graphs(Pickles):
    """The module is the graph, which is filled with weights and cut to narrower shapes."""

    convert = None

    def export(self, model, example):
        return packed(model)

    def fill(self, graph, model):
        filled = unpacked(graph)
        filled.load_state_dict(model.state_dict())
        return packed(filled)

    def narrowed(self, graph, model, example):
        return packed(model)


class Stuck(Graphs):
    """Keeps the weights that it was exported with."""

    def fill(self, graph, model):
        return graph


class Careless(Graphs):
    """Hands over a narrower graph with another activation."""

    def narrowed(self, graph, model, example):
        other = copy.deepcopy(model)
        other.relu3 = torch.nn.Tanh()
        return packed(other)


class Unable(Graphs):
    def narrowed(self, graph, model, example):
        return None


def reading(converter, reader=Reader):
    backend = reader()
    backend.converter_class = converter
    return backend


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Dotless, "its suffix must begin with a dot"),
        (Unversioned, "must name its format and versions"),
        (Wordy, "its converter must make bytes"),
        (Untrained, "outputs differ from PyTorch's"),
        (Twofold, "must make files by one of `convert`, `refine`, `export` and `fill`"),
        (Stuck, "outputs differ from PyTorch's"),
        (Careless, "outputs differ from PyTorch's"),
    ],
)
def test_a_broken_converter_is_told_what_is_wrong(broken, sentence):
    assert check_backend(Reader()) == (harness.LoadsFile,)
    with pytest.raises(AssertionError, match=sentence):
        check_backend(reading(broken))


def test_a_converter_that_goes_on_from_anothers_file_is_held_to_both():
    assert check_backend(ArchiveReader()) == (harness.LoadsFile,)
    with pytest.raises(AssertionError, match="the converter of reader's source: its suffix"):
        check_backend(reading(WrongSource, ArchiveReader))


def test_a_graph_serves_twins_and_narrower_models(capsys):
    for converter in (Graphs, Unable):
        check_backend(reading(converter))
        assert "recognised abilities: SharesGraph, Narrows" in capsys.readouterr().out


class Misspelt(Graphs):
    narrowed = None

    def narrow(self, graph, model, example):
        return None


class HalfAGraph(Pickles):
    convert = None

    def export(self, model, example):
        return packed(model)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (HalfAGraph, "export alone is not SharesGraph, which asks for fill too"),
        (Misspelt, "'narrow' is no ability's, but resembles 'narrowed' of Narrows"),
    ],
)
def test_abilities_of_converters_are_held_to_their_spelling(broken, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_backend(reading(broken))


class Simulator(Reader):
    """A device whose time follows the size of its files, or the weights that are not zero."""

    reads_weights = True

    def simulate(self, file):
        kept = sum(int(weight.count_nonzero()) for weight in unpacked(file).parameters())
        return harness.Simulated(latency_ms=float(kept))


class Blind(Simulator):
    """Says that it reads no weights, and does."""

    reads_weights = False


class Timeless(Simulator):
    def simulate(self, file):
        return harness.Simulated(latency_ms=0.0)


class Wavering(Simulator):
    def __init__(self):
        self.asked = 0

    def simulate(self, file):
        self.asked += 1
        return harness.Simulated(latency_ms=float(self.asked))


class Shapes(Simulator):
    reads_weights = False

    def simulate(self, file):
        return harness.Simulated(latency_ms=float(sum(1 for _ in unpacked(file).parameters())))


class Unloaded(Processor):
    """Simulates files that it cannot load."""

    reads_weights, simulate = True, Simulator.simulate


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Blind(), "reads_weights is False, yet a twin of zeros takes another time"),
        (Timeless(), "an inference must take time"),
        (Wavering(), "the same file must take the same time"),
        (Unloaded(), r"a simulator must load a file \(`converter`, `load`\)"),
    ],
)
def test_a_broken_simulator_is_told_what_is_wrong(broken, sentence):
    for sound in (Simulator(), Shapes()):
        assert check_backend(sound) == (harness.LoadsFile, harness.ReadsWeights, harness.Simulates)
    with pytest.raises(AssertionError, match=sentence):
        check_backend(broken)
