"""A run's rows in other tools, read back by those tools themselves."""

import shutil

import pytest

from harness.errors import HarnessError
from harness.exchange.dataset_folder import dataset_files
from harness.exchange.mlflow_store import write_mlflow
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from tests.doubles import made_row, made_rows, refusal

# MLflow's own annotations, in the release that is installed.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def run(tmp_path):
    for row in made_rows():
        texts = {
            name: row[name] or "" for name in ("correct", "dense_correct", "pruner", "granularity")
        }
        Ledger(tmp_path / "run").append(Row(**{**row, **texts}))
    return tmp_path / "run"


def test_mlflow_finds_a_run_a_measured_row(command, run, tmp_path):
    done = command("convert", "run", "--to", "mlflow", "--out", "mlruns")
    assert done.returncode == 0, done.stderr
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=str(tmp_path / "mlruns"))
    experiment = client.get_experiment_by_name("run")
    found = client.search_runs(
        [experiment.experiment_id], "params.pruner = 'random'", order_by=["metrics.ms_saved"]
    )
    assert [one.data.metrics["ms_saved"] for one in found] == [4.0, 8.0]
    assert found[0].data.params["backend"] == "eager_cpu"
    assert "energy_j" not in found[0].data.metrics
    assert len(client.search_runs([experiment.experiment_id])) == 6


def test_a_store_is_the_one_of_the_folder_that_a_process_is_in(tmp_path, monkeypatch):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert write_mlflow([made_row()], store="mlruns", experiment="once") == 1
        assert (tmp_path / name / "mlruns").is_dir()
        shutil.rmtree(tmp_path / name)


def test_a_folder_is_tried_before_anything_is_read_and_an_address_is_not(command, tmp_path):
    (tmp_path / "file").touch()
    for to in ("mlflow", "datasets"):
        done = command("convert", "nowhere", "--to", to, "--out", "file/x")
        assert "--out: file/x cannot be written (Not a directory)" in refusal(done)
    done = command("convert", "nowhere", "--to", "mlflow", "--out", "sqlite:///file/x")
    assert "no run folder is called 'nowhere'" in refusal(done)


def test_an_experiment_is_not_written_twice(tmp_path):
    write_mlflow([made_row()], store=str(tmp_path), experiment="once")
    with pytest.raises(HarnessError, match="already exists"):
        write_mlflow([made_row()], store=str(tmp_path), experiment="once")


def test_datasets_loads_every_column_and_the_card_explains_each(command, run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = command("convert", "run", "--to", "datasets", "--out", "shared")
    assert done.returncode == 0, done.stderr
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    loaded = load_dataset(str(tmp_path / "shared"), cache_dir=str(tmp_path / "cache"))["train"]
    assert len(loaded) == 7
    assert loaded.filter(lambda row: row["pruner"] == "random")["ms_saved"] == [4.0, 8.0]
    card = (tmp_path / "shared" / "README.md").read_text()
    assert all(f"| `{name}`" in card for name in loaded.column_names)
    assert "holds files already" in refusal(
        command("convert", "run", "--to", "datasets", "--out", "shared")
    )


def test_a_name_of_a_run_cannot_break_the_cards_header():
    name = 'a: [b\n---\n"'
    header = dataset_files([made_row()], name=name)["README.md"].decode().split("\n---\n")[0]
    import yaml

    assert yaml.safe_load(header.removeprefix("---\n"))["pretty_name"] == name
