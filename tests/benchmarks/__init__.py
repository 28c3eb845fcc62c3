"""The harness's own speed, as ratios to a reference: `pytest --dist=no tests/benchmarks` runs it."""
