"""What a round trains is kept under what it starts from and does, never under who asked for it."""

from dataclasses import replace

from harness.contracts.schedules import Round
from harness.trials._round_key import round_key, unusual_settings
from harness_plugins.pruners.magnitude import Magnitude

PLAIN = Round(sparsity=0.5, share=1.0)


def test_methods_that_choose_alike_share_a_key(trial):
    other = replace(trial, pruner=Magnitude("magnitude_l1", 1), scope="local")
    assert round_key(other, ["start", "masks"], PLAIN) == round_key(trial, ["start", "masks"], PLAIN)


def test_another_start_or_other_masks_have_another_key(trial):
    keys = {
        round_key(trial, chain, PLAIN)
        for chain in (["start", "masks"], ["start", "others"], ["other", "masks"])
    }
    assert len(keys) == 3


def test_what_a_round_does_besides_is_in_its_key(trial):
    rewound = replace(PLAIN, rewind=0.0)
    assert round_key(trial, ["a"], rewound) != round_key(trial, ["a"], PLAIN)
    assert unusual_settings(rewound) == {"rewind": 0.0}
    assert unusual_settings(replace(PLAIN, dense_share=1.0)) == {}


def test_a_key_says_what_it_is_of(trial):
    assert round_key(trial, ["a"]).startswith("residual_network-digits-weight-")
