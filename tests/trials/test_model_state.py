"""A model on its way: what it has cost adds up, and what was looked at is remembered once."""

from harness.trials._model_state import ModelState, PruningFacts


def test_seconds_and_words_of_all_scorings_add_up():
    facts = PruningFacts().with_evidence({"weights"}, seconds=1.0)
    facts = facts.with_evidence({"gradients", "weights"}, seconds=2.0)
    assert (facts.evidence, facts.score_seconds) == ("gradients,weights", 3.0)


def test_a_scoring_that_looks_at_nothing_leaves_no_word():
    assert PruningFacts().with_evidence(set(), seconds=1.0).evidence == ""


def test_epochs_and_seconds_of_all_trainings_add_up(network):
    state = ModelState(key="dense", model=network)
    after = state.trained("first", network, epochs=0.5, seconds=1.0)
    after = after.trained("second", network, epochs=0.25, seconds=1.5)
    assert (after.key, after.facts.epochs, after.facts.train_seconds) == ("second", 0.75, 2.5)
    assert state.facts == PruningFacts()
