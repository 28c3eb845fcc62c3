"""What all code of a process shares is seen to have changed, whoever changed it."""

import pytest
import torch

from harness.machine.process_settings import ProcessSettings


@pytest.fixture
def settings(monkeypatch):
    """As they are; put back afterwards."""
    settings = ProcessSettings.now()
    monkeypatch.chdir(settings.folder)
    yield settings
    torch.set_num_threads(settings.threads)
    torch.set_default_dtype(settings.dtype)
    torch.use_deterministic_algorithms(settings.deterministic)
    torch.set_flush_denormal(settings.flushes_denormals)


def test_nothing_has_changed_where_nothing_was_changed(settings):
    assert settings.change() is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda: torch.set_num_threads(torch.get_num_threads() + 1), "changes the process's threads"),
        (lambda: torch.set_default_dtype(torch.float64), "dtype from torch.float32 to torch.float64"),
        (lambda: torch.use_deterministic_algorithms(True), "deterministic from False to True"),
        (lambda: torch.set_flush_denormal(True), "flushes_denormals from False to True"),
    ],
)
def test_a_change_is_told_with_what_was_and_what_is(change, sentence, settings):
    change()
    assert sentence in settings.change()


def test_a_folder_that_somebody_removed_is_one_too(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    assert ProcessSettings.now().change() is None


def test_so_is_another_current_folder(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f"folder from {settings.folder} to {tmp_path}" in settings.change()
