"""The harness's own speed, as ratios to a reference workload; `pytest tests/benchmarks` runs it."""
