"""From rows and samples to leaderboards and verdicts; nothing here runs a model."""
