"""Single measurements as people read them."""

from harness.presentation.row_table import row_table
from tests.doubles import made_row


def test_a_row_by_hand():
    row = made_row(
        pruner="a", batch=8, seed=2, retained=0.8766, latency_ms=4.0, ms_saved=6.0, ms_saved_low=5.5,
        ms_saved_high=6.5, top1=0.877, macs=200, energy_j=0.01234, written_at="2025-01-02",
    )  # fmt: skip
    table = row_table([row])
    assert dict(zip(table.headers, table.texts()[0], strict=True)) == {
        "model": "resnet18", "dataset": "digits", "backend": "eager_cpu", "batch": "8", "pruner": "a",
        "granularity": "channel", "scope": "local", "schedule": "one_shot", "level": "0.5", "seed": "2",
        "top-1": "87.7%", "retained": "0.877", "ms": "4", "ms saved": "6 (5.5 to 6.5)",
        "speed-up": "2.50x", "realised": "50%", "MB": "10.00", "J": "0.0123", "written": "2025-01-02",
    }  # fmt: skip


def test_a_frame_has_a_line_a_row_with_numbers_and_their_intervals():
    frame = row_table([made_row(seed=0), made_row(seed=1, ms_saved=5.0), made_row(seed=2)]).frame()
    assert frame.seed.tolist() == [0, 1, 2]
    assert frame.ms_saved.tolist() == [4.0, 5.0, 4.0]
    assert frame.ms_saved_low.tolist() == [3.9] * 3
    assert frame.ms_saved_high.tolist() == [4.1] * 3
    assert not {"key", "trial", "correct", "dense_correct"} & {*frame.columns}


def test_the_accuracy_is_that_of_the_backend_where_it_is_known():
    rows = [made_row(top1=0.9, top1_backend=None), made_row(top1=0.9, top1_backend=0.75)]
    table = row_table(rows)
    at = table.headers.index("top-1")
    assert [texts[at] for texts in table.texts()] == ["90.0%", "75.0%"]
    assert table.frame().top1_shown.tolist() == [0.9, 0.75]


def test_what_was_not_measured_is_a_dash_and_a_simulator_has_no_interval():
    row = made_row(energy_j=None, ms_saved=4.0, ms_saved_low=4.0, ms_saved_high=4.0)
    table = row_table([row])
    texts = dict(zip(table.headers, table.texts()[0], strict=True))
    assert (texts["J"], texts["ms saved"]) == ("-", "4")
