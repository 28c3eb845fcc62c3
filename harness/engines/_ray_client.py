"""Adapter over Ray, the only module that imports it."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


def join(address: str) -> None:
    """Join a cluster: make this process its driver. Raises OSError, RuntimeError or ValueError."""
    _set_environment()
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)


def start_cluster(*, processors: int, resources: Mapping[str, float]) -> None:
    """Start a cluster of this machine alone, and join it."""
    _set_environment()
    ray.init(
        "local", num_cpus=processors, resources={**resources}, include_dashboard=False,
        log_to_driver=False, logging_level=logging.ERROR,
    )  # fmt: skip


def _set_environment() -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would warn that it hides the GPUs from tasks that ask for none.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")


def leave() -> None:
    """Leave the cluster."""
    ray.shutdown()


def living_nodes() -> list[dict[str, Any]]:
    """Living nodes: what Ray says of each machine that is alive."""
    nodes = ray.nodes()  # type: ignore[no-untyped-call]  # a list of dictionaries
    return [node for node in nodes if node["Alive"]]


def start_task(function: Callable[..., Any], *arguments: object, **options: Any) -> Any:  # noqa: ANN401 -- Ray's
    """Start a Ray task that runs the function; the reference to its result comes back at once."""
    return ray.remote(function).options(**options).remote(*arguments)


def on_node(node: str) -> Any:  # noqa: ANN401 -- a scheduling strategy of Ray's
    """Scheduling strategy that makes Ray run a task on that machine or not at all."""
    return NodeAffinitySchedulingStrategy(node, soft=False)


def wait_for_any(references: Collection[Any], *, seconds: float) -> list[Any]:
    """Wait for tasks: those that have ended by then, the first of them at once."""
    ended, _ = ray.wait([*references], num_returns=1, timeout=seconds)
    return list(ended)


def result_of(reference: Any, *, seconds: float | None = None) -> Any:  # noqa: ANN401 -- whatever the task returned
    """Result of a task. Raises what it raised; TimeoutError where it has not ended by then."""
    try:
        return ray.get(reference, timeout=seconds)
    except ray.exceptions.GetTimeoutError:
        raise TimeoutError from None


def cancel(reference: Any) -> None:  # noqa: ANN401 -- Ray's
    """Cancel a task, wherever it is by now."""
    ray.cancel(reference, force=True)
