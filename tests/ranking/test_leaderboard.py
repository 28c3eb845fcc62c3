"""Rows to leaderboards: the score's definition, its traps, and what the sentences say."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ranking._bootstrap import area
from harness.ranking.leaderboard import RankingRule, leaderboards
from harness.ranking.remarks import remarks
from harness.storage.bits import encode_bits
from tests.doubles import made_row


def by_name(rows):
    [board] = leaderboards(rows)
    return {standing.name: standing for standing in board.entries}


def level(right: int, saved: float, **columns):
    """A row with `right` of 100 images right (dense: 100) and `saved` of dense's 10 ms saved."""
    bits = encode_bits(np.arange(100) < right)
    ratio = right / 100 / saved if saved > 0 else None
    measured = {
        "correct": bits, "top1": right / 100, "retained": right / 100, "ms_saved": saved,
        "saves_time": saved > 0, "latency_ms": 10.0 - saved, "retained_per_ms_saved": ratio,
    }  # fmt: skip
    return made_row(**measured | columns)


def test_the_score_is_the_area_under_the_best_accuracy_for_each_saving():
    # r(t) is 0.9 up to 4 ms, 0.6 from there to 8 ms, 0 beyond: (0.9 * 4 + 0.6 * 4) / 10.
    board = by_name([level(90, 4.0), level(60, 8.0, sparsity=0.9)])
    assert board["group_norm_l2 channel local one_shot"].score == pytest.approx(0.6)


def test_a_level_that_is_worse_on_both_counts_changes_nothing():
    alone = by_name([level(90, 8.0)])
    beside = by_name([level(90, 8.0), level(60, 4.0, sparsity=0.9)])
    [one], [other] = alone.values(), beside.values()
    assert one.score == pytest.approx(other.score)


def test_a_tiny_saving_does_not_win_as_the_plain_ratio_would():
    tiny, wide = level(99, 0.1, pruner="tiny"), level(98, 5.0, pruner="wide")
    assert tiny["retained_per_ms_saved"] > wide["retained_per_ms_saved"]
    assert next(iter(by_name([tiny, wide]))) == "wide channel local one_shot"


def test_a_saving_within_the_noise_counts_as_none_and_has_no_rank():
    board = by_name([level(99, 0.3, saves_time=False, pruner="noise"), level(80, 2.0)])
    assert board["noise channel local one_shot"].score == 0.0
    assert board["noise channel local one_shot"].rank is None
    assert list(board) == ["group_norm_l2 channel local one_shot", "noise channel local one_shot"]


def over_seeds(**rights):
    """Levels that save half of the time, of each method with so many of 100 right, seed by seed."""
    return [
        level(right, 5.0, pruner=pruner, seed=seed)
        for pruner, by_seed in rights.items()
        for seed, right in enumerate(by_seed)
    ]


def test_ranks_are_intervals_and_what_seeds_do_not_tell_apart_shares_them():
    board = by_name(over_seeds(a=(90, 89, 91), b=(89, 90, 90), c=(40, 41, 39), d=(70, 71, 69)))
    assert [str(entry.rank) for entry in board.values()] == ["1 to 2", "1 to 2", "3", "4"]


def test_one_seed_gives_scores_and_no_ranks():
    board = by_name([level(90, 5.0, pruner="a"), level(40, 5.0, pruner="c")])
    assert [entry.rank for entry in board.values()] == [None, None]
    assert [entry.saves_time for entry in board.values()] == [True, True]
    assert [entry.score for entry in board.values()] == [pytest.approx(0.45), pytest.approx(0.2)]


def test_scores_by_seed_have_holes_where_a_method_lacks_a_seed():
    board = by_name([*over_seeds(a=(90, 80)), *over_seeds(b=(50,))])
    assert board["a channel local one_shot"].by_seed == pytest.approx((0.45, 0.40))
    first, second = board["b channel local one_shot"].by_seed
    assert first == pytest.approx(0.25)
    assert second != second, "is no number"


def test_the_correction_is_said_and_a_laxer_one_tells_no_fewer_apart():
    rows = over_seeds(a=(90, 86, 88), b=(84, 85, 83), c=(78, 80, 79), d=(70, 74, 69), e=(71, 68, 70))
    [strict], [lax] = leaderboards(rows), leaderboards(rows, rule=RankingRule(correction="fdr"))
    assert strict.ranking.better <= lax.ranking.better
    assert "Holm" in " ".join(remarks(strict))
    assert "Benjamini and Hochberg" in " ".join(remarks(lax))


def test_a_score_does_not_depend_on_who_else_was_run():
    mine = level(90, 5.0)
    alone = by_name([mine])["group_norm_l2 channel local one_shot"]
    among = by_name([level(40, 9.0, pruner="a"), mine, level(70, 2.0, pruner="z")])[
        "group_norm_l2 channel local one_shot"
    ]
    assert (alone.score, alone.low, alone.high) == (among.score, among.low, among.high)


@pytest.mark.parametrize(
    "condition", [{"model": "other"}, {"backend": "other"}, {"batch": 32}, {"finetune_epochs": 9.0}]
)
def test_ranks_are_never_mixed_across_conditions(condition):
    assert len(leaderboards([level(90, 5.0), level(90, 5.0, **condition)])) == 2


def test_seeds_are_averaged_and_widen_the_interval():
    seeds = [level(right, 5.0, seed=seed) for seed, right in enumerate((60, 75, 90))]
    one = by_name([level(75, 5.0)])["group_norm_l2 channel local one_shot"]
    three = by_name(seeds)["group_norm_l2 channel local one_shot"]
    assert three.score == pytest.approx(one.score)
    assert three.best["top1"] == pytest.approx(0.75)
    assert three.high - three.low > one.high - one.low


def test_after_an_edit_of_the_criterion_its_later_rows_count():
    old, new = level(50, 5.0, pruner_hash="old"), level(90, 5.0, pruner_hash="new")
    assert by_name([old, new])["group_norm_l2 channel local one_shot"].score == pytest.approx(0.45)


def test_what_was_timed_while_a_copy_of_dense_stood_out_is_left_out_and_named():
    rows = [level(90, 5.0), level(90, 9.0, steady=False, pruner="lucky", key="lucky")]
    assert list(by_name(rows)) == ["group_norm_l2 channel local one_shot"]
    assert "are left out: lucky channel local one_shot" in sentences(rows)


def test_a_model_that_guesses_earns_no_score():
    # The commonest of its classes is 20 % of the images: 60 of 100 is half of the way up to dense's.
    board = by_name([level(60, 5.0, chance=0.2), level(20, 9.0, sparsity=0.9, chance=0.2)])
    [entry] = board.values()
    assert entry.score == pytest.approx(0.25)
    assert entry.best["sparsity"] == 0.5


def test_the_best_time_at_a_quality_floor_stands_beside_the_score():
    rows = [level(100, 4.0), level(98, 8.0, sparsity=0.9)]
    [entry] = by_name(rows).values()
    assert entry.ms_at_floor == pytest.approx(4.0), "half way from 6 ms to 2 ms"
    [lax], [strict] = (
        leaderboards(rows, rule=RankingRule(floor=floor))[0].entries for floor in (0.9, 1.01)
    )
    assert (lax.ms_at_floor, strict.ms_at_floor) == (2.0, None)


def test_scopes_are_told_apart():
    board = by_name([level(90, 5.0), level(60, 5.0, scope="global")])
    assert list(board) == [
        "group_norm_l2 channel local one_shot",
        "group_norm_l2 channel global one_shot",
    ]


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ({"reduction": "group"}, "channel (group)"),
        ({"reduction": "producers"}, "channel (filters)"),
        ({"reduction": "group", "granularity": "channel:8"}, "channel:8 (group)"),
        # It sums over the group itself, and hands one score over for each channel.
        ({"reduction": "producers", "evidence": "coupled_sums,weights"}, "channel (group)"),
        ({"reduction": "group,producers"}, "channel"),
        ({"reduction": ""}, "channel"),
        ({"reduction": None, "evidence": None}, "channel"),
        ({"reduction": "elementwise", "granularity": "weight"}, "weight"),
    ],
)
def test_tables_say_what_of_a_channel_is_scored_and_names_do_not(columns, shown):
    [entry] = by_name([level(90, 5.0, **columns)]).values()
    assert entry.shown_method == ("group_norm_l2", shown, "local", "one_shot")
    assert entry.name == f"group_norm_l2 {columns.get('granularity', 'channel')} local one_shot"


def test_rows_of_before_there_was_a_reduction_say_nothing_of_it():
    old = level(90, 5.0)
    del old["reduction"], old["evidence"]
    [entry] = by_name([old]).values()
    assert entry.shown_method == entry.method


def test_rows_that_could_not_be_measured_are_left_out(rows):
    assert "fpgm weight global one_shot" not in by_name(rows)


@given(
    st.lists(st.tuples(st.floats(0, 2), st.floats(-1, 2)), min_size=1, max_size=6),
    st.floats(0, 0.5),
)
def test_a_score_lies_between_0_and_1_and_more_accuracy_never_costs(levels, more):
    retained, saved = (np.array([column]) for column in zip(*levels, strict=True))
    score = area(retained, saved)[0]
    assert 0.0 <= score <= 1.0
    assert area(retained + more, saved)[0] >= score - 1e-12
    assert area(retained, saved + more)[0] >= score - 1e-12


def sweep(seeds: int) -> list[dict]:
    """Three methods at up to four levels whose savings and accuracies overlap."""
    rng = np.random.default_rng(0)
    return [
        level(
            int(rng.integers(80, 99)), float(rng.uniform(0.5, 6)), key=f"{pruner} {seed} {sparsity}",
            pruner=pruner, seed=seed, sparsity=sparsity, top5=None,
        )
        for pruner in ("a", "b", "c")
        for seed in range(seeds)
        for sparsity in (0.5, 0.8, 0.9, 0.95)[: 4 - seed % 2]
    ]  # fmt: skip


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_table_is_ranked_as_its_rows_are(seeds, rows):
    given = [*sweep(seeds), *rows]
    for one, other in zip(leaderboards(given), leaderboards(pd.DataFrame(given)), strict=True):
        assert one == other
        assert one.dense == other.dense
        for mine, theirs in zip(one.entries, other.entries, strict=True):
            assert (mine.best, mine.rows) == (theirs.best, theirs.rows)
        assert remarks(one) == remarks(other)


@pytest.mark.parametrize("seeds", [2, 25])
def test_an_interval_is_as_wide_as_if_every_seed_had_noise_of_its_own(seeds):
    # One accuracy, one level: only timing noise is left, and seeds average it.
    rows = [
        level(100, 5.0, key=f"{seed}", seed=seed, ms_saved_low=4.0, ms_saved_high=6.0)
        for seed in range(seeds)
    ]
    [standing] = by_name(rows).values()
    # A draw of n seeds with replacement holds some twice: the mean's variance is (2 - 1/n) / n.
    expected = 0.1 * 2 * ((2 - 1 / seeds) / seeds) ** 0.5
    assert standing.high - standing.low == pytest.approx(expected, rel=0.15)


def test_a_time_that_seeds_share_errs_once_for_all_of_them():
    wide = {"ms_saved_low": 4.0, "ms_saved_high": 6.0}
    rows = [level(100, 5.0, key=f"{seed}", seed=seed, **wide) for seed in range(9)]
    [own] = by_name(rows).values()
    [shared] = by_name([{**row, "architecture": "narrow"} for row in rows]).values()
    assert shared.high - shared.low > 2 * (own.high - own.low)


def test_methods_of_one_architecture_are_told_apart_by_accuracy_whatever_the_clock_says():
    wide = {"ms_saved_low": 2.0, "ms_saved_high": 8.0}
    rows = [
        {**row, **wide, "key": f"{number}"}
        for number, row in enumerate(over_seeds(a=(90, 91, 92), b=(70, 71, 72), c=(50, 51, 52)))
    ]
    own = by_name(rows)
    assert [str(entry.rank) for entry in own.values()] == ["1 to 3"] * 3
    shared = by_name([{**row, "architecture": "narrow"} for row in rows])
    assert [str(entry.rank) for entry in shared.values()] == ["1", "2", "3"]


def test_seeds_with_other_levels_are_scored_by_what_they_have():
    whole = [level(90, 4.0), level(60, 8.0, sparsity=0.9), level(90, 4.0, seed=1)]
    [standing] = by_name(whole).values()
    assert standing.score == pytest.approx((0.6 + 0.36) / 2)
    assert standing.low < standing.score < standing.high


def sentences(rows):
    [board] = leaderboards(rows)
    return " ".join(remarks(board))


def test_what_saves_no_time_is_said_in_words(rows):
    assert "magnitude_l2 weight global one_shot saves no time here" in sentences(rows)


def test_zeros_that_are_computed_are_said_to_be():
    zeros = {"granularity": "weight", "saves_time": False, "ms_saved": 0.0, "latency_ms": 10.0}
    rows = [
        made_row(pruner="dense", latency_ms=10.0, sparsity=0.0, architecture="whole"),
        level(90, 5.0, architecture="narrow"),
        {**level(95, 0.0, pruner="masked", architecture="whole"), **zeros},
    ]
    assert "masked weight local one_shot saves no time here, where zeros are computed" in sentences(
        rows
    )
    read = [{**row, "latency_ms": 9.9} if row["pruner"] == "masked" else row for row in rows]
    assert "saves no time here that the clock can tell from noise" in sentences(read)


def test_methods_are_held_against_random_by_the_test_that_ranks():
    rights = {
        "random": (50, 51, 52),
        "lazy": (51, 50, 52),
        "good": (90, 89, 91),
        "poor": (20, 21, 19),
    }
    told = sentences(over_seeds(**rights))
    assert "surely better: good; not told apart from it: lazy; surely worse: poor" in told


def test_a_control_of_its_own_channels_is_what_a_method_is_held_against():
    rows = over_seeds(random=(20, 21, 22), narrow=(50, 52, 51), wide=(50, 51, 52))
    own = over_seeds(**{"random:narrow": (51, 50, 52)})
    spared = {"excluded": "stem"}
    rows = [{**row, **(spared if row["pruner"] == "narrow" else {})} for row in rows]
    told = sentences(rows)
    assert "surely better: wide; no control removes from the same layers: narrow" in told
    told = sentences([*rows, *({**row, **spared} for row in own)])
    assert "surely better: wide; not told apart from it: narrow" in told


def test_methods_are_held_against_their_architecture_trained_from_scratch():
    def built(architecture, **rights):
        return [{**row, "architecture": architecture} for row in over_seeds(**rights)]

    def scratch(architecture, **rights):
        return [{**row, "schedule": "scratch"} for row in built(architecture, **rights)]

    one_shot = [
        *built("wide", good=(90, 89, 91), even=(50, 51, 52), poor=(20, 21, 19)),
        *built("narrow", other=(60, 61, 59)),
    ]
    told = sentences([*one_shot, *scratch("wide", even=(51, 50, 52))])
    assert (
        "trained from scratch for the same epochs (Liu 2019): surely better: good one_shot; "
        "not told apart from it: even one_shot; surely worse: poor one_shot; "
        "not trained from scratch: other one_shot" in told
    )
    told = sentences([*one_shot, *scratch("wide", even=(51, 50, 52), good=(91, 90, 89))])
    assert "not told apart from it: good one_shot, even one_shot" in told, "its own, where there is one"
    assert "from scratch" not in sentences(one_shot)


def test_smaller_networks_are_one_method_whose_levels_are_told():
    method = {"granularity": "network", "scope": "", "schedule": "dense"}
    rivals = [
        {**row, **method, "rival": name, "sparsity": level, "ms_saved": saved, "latency_ms": 10 - saved}
        for name, level, saved in (("mid", 0.3, 3.0), ("small", 0.6, 6.0))
        for row in over_seeds(rivals=(80, 81, 82))
    ]
    rows = [*over_seeds(good=(95, 96, 94), poor=(20, 21, 19)), *rivals]
    [board] = leaderboards(rows)
    assert "rivals network dense" in {entry.name for entry in board.entries}
    told = sentences(rows)
    assert "mid 81.0% in 7 ms, small 81.0% in 4 ms" in told
    assert "Against taking the best of them for each time, surely better:" not in told
    assert "surely worse: poor" in told
    assert "rivals" not in sentences(over_seeds(good=(95, 96, 94), poor=(20, 21, 19)))


def test_nothing_is_said_of_random_with_one_seed_or_without_it():
    assert "random removal" not in sentences([level(50, 5.0, pruner="random"), level(90, 5.0)])
    assert "random removal" not in sentences(over_seeds(a=(90, 91), b=(20, 21)))


def test_it_is_said_how_many_architectures_the_models_have():
    rows = over_seeds(a=(90, 91), b=(20, 21))
    assert "architectures" not in sentences(rows), "as in rows of before"
    narrow = [{**row, "architecture": f"narrow {row['seed']}"} for row in rows]
    assert "4 models of 2 architectures" in sentences(narrow)


def test_one_seed_is_said_to_hide_the_randomness_of_training(rows):
    assert "One seed: scores and no ranks" in sentences(rows)
    more = [*rows, *({**row, "seed": 1} for row in rows)]
    assert "paired over 2 seeds" in sentences(more)


def test_a_board_says_what_images_become_and_which_are_not_only_tested_on(rows):
    columns = {
        "input_size": 224, "crop_pct": 0.875, "crop_mode": "center", "interpolation": "bicubic",
        "mean": "0.5 0.5 0.5", "std": "0.229 0.224 0.225", "test_images_in_train": 40,
    }  # fmt: skip
    said = sentences([row | columns for row in rows])
    assert "Inputs: 224 x 224 of 256 pixels, bicubic, mean 0.5, std 0.229 0.224 0.225." in said
    assert "40 of the 100 test images are training images too" in said
    ready = sentences(rows)
    assert "Inputs" not in ready
    assert "training images too" not in ready


def test_a_board_says_what_a_comparison_ought_to_have(rows):
    whole = sentences(rows)
    assert "lacks" not in whole
    alone = sentences([row for row in rows if row["pruner"] != "random"])
    assert "This comparison lacks a control to beat at channel (--pruners ...,random)." in alone
    flat = sentences([row for row in rows if row["sparsity"] in (0.0, 0.5)])
    assert "This comparison lacks a second level, since methods cross (--levels 0.3,0.6,0.8)." in flat
    headless = sentences([row for row in rows if row["pruner"] != "dense"])
    assert "This comparison lacks the dense model's row." in headless
