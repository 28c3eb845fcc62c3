"""The images of a row are found again, or are said to be others."""

import pytest

from harness.contracts.data import Preprocessing, preprocessing_columns
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.planning.row_dataset import row_dataset
from harness_plugins.datasets.digits import Digits
from harness_plugins.datasets.folder import Folder
from tests.doubles import made_row

CUT = Preprocessing(size=24, crop_pct=0.75, mean=(0.5, 0.5, 0.5))


def row_of(dataset, **columns):
    return made_row(dataset=dataset.name, data_hash=dataset.fingerprint(), **columns)


@pytest.mark.parametrize("asked", [None, CUT])
def test_images_become_what_the_rows_model_read(asked, image_folder):
    folder = Folder().configured(str(image_folder))
    read = folder.preprocessed(asked) if asked else folder
    row = row_of(read, **preprocessing_columns(read.preprocessing()))
    again = row_dataset(discover(), row, {"dataset": f"folder:{image_folder}"})
    assert again.preprocessing() == read.preprocessing()
    assert again.fingerprint() == row["data_hash"]


def test_a_run_on_other_images_that_came_later_hides_none(image_folder):
    found = row_dataset(discover(), row_of(Digits()), {"dataset": f"folder:{image_folder}"})
    assert found.name == "digits"


def test_classes_that_were_renamed_are_other_images(image_folder):
    row = row_of(Folder().configured(str(image_folder)))
    for part in ("train", "test"):
        (image_folder / part / "digit2").rename(image_folder / part / "a_digit")
    with pytest.raises(HarnessError, match=r"is not what the row was measured on \(folder:images\)"):
        row_dataset(discover(), row, {"dataset": f"folder:{image_folder}"})
    assert row_dataset(discover(), row, {}, text=f"folder:{image_folder}", same_images=False)
