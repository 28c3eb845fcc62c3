"""The harness's own speed, as ratios to a reference workload; `pytest --dist=no tests/benchmarks` runs it."""
