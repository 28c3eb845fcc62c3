"""Activations: what layers pass on while a model runs on images, and its gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from harness.networks.layers import (
    LAYERS,
    NORMS,
    channels_second,
    forget_caches,
    forward_hooks,
    layers_of,
    prunable_weights,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from harness.contracts.evidence import Batches


ACTIVATION_MODULES = ("torch.nn.modules.activation", "timm.layers.activations")
"""Python modules whose classes are activation functions."""


@dataclass
class _Chain:
    """Chain of modules after each layer; tensors stay alive, so that no two have one id."""

    owner: dict[int, str] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    alive: list[Tensor] = field(default_factory=list)

    def follow(self, name: str, module: nn.Module, inputs: Tensor, output: Tensor) -> None:
        self.alive += [inputs, output]
        if isinstance(module, LAYERS):
            layer = f"{name}.weight"
        elif id(inputs) in self.owner and inputs.shape == output.shape and not _holds_layers(module):
            layer = self.owner[id(inputs)]
        else:
            return
        if layer not in self.done:
            self.owner[id(output)] = layer
            self.last[layer] = name
            if _is_activation(module):
                self.done.add(layer)


def _holds_layers(module: nn.Module) -> bool:
    return any(isinstance(inner, LAYERS) for inner in module.modules())


def _is_activation(module: nn.Module) -> bool:
    if type(module).__module__.startswith(ACTIVATION_MODULES):
        return True
    return isinstance(module, NORMS) and any(_is_activation(inner) for inner in module.children())


def activation_of(model: nn.Module, example: Tensor) -> dict[str, str]:
    """Activation module by weight name: after it a layer's output is normed and activated.

    A layer's output is followed from module to module as long as it keeps its shape, through sums
    in place, up to the first activation; the layer itself where nothing follows.
    """
    chain = _Chain()
    with forward_hooks(dict(model.named_modules()), chain.follow), torch.no_grad():
        model(example)
    return chain.last


def activations(model: nn.Module, batches: Batches) -> Iterator[dict[str, Tensor]]:
    """Activations `(images, out, ...)` by weight name for each batch, after norm and activation."""
    for outputs, _ in _recorded_outputs(model, batches):
        yield {name: output.detach() for name, output in outputs.items()}


def activation_gradients(model: nn.Module, batches: Batches) -> Iterator[dict[str, Tensor]]:
    """Activation gradients of each image's loss, in step with `activations`."""
    layers = layers_of(model)
    for outputs, (logits, labels) in _recorded_outputs(model, batches, raw=True):
        loss = F.cross_entropy(logits, labels, reduction="sum")
        grads = torch.autograd.grad(loss, list(outputs.values()), allow_unused=True)
        yield {
            name: channels_second(layers[name], torch.zeros_like(output) if grad is None else grad)
            for (name, output), grad in zip(outputs.items(), grads, strict=True)
        }


def _recorded_outputs(
    model: nn.Module, batches: Batches, *, raw: bool = False
) -> Iterator[tuple[dict[str, Tensor], tuple[Tensor, Tensor]]]:
    """Outputs after norm and activation, logits and labels by batch; `raw` ones take gradients."""
    layers, module_names = layers_of(model), activation_of(model, batches[0][0][:2])
    modules = {name: model.get_submodule(module) for name, module in module_names.items()}
    for images, labels in batches:
        forget_caches(model)
        outputs: dict[str, Tensor] = {}
        with forward_hooks(modules, partial(_record_output, outputs)), torch.set_grad_enabled(raw):
            logits = model(images)
        if not raw:
            outputs = {name: channels_second(layers[name], output) for name, output in outputs.items()}
        yield outputs, (logits, labels)


def _record_output(
    outputs: dict[str, Tensor], name: str, _: nn.Module, __: Tensor, output: Tensor
) -> Tensor:
    outputs[name] = output
    # The next module may change it in place.
    return output.clone()


def gate_gradients(
    model: nn.Module, norm_of: Mapping[str, str], batches: Batches
) -> Iterator[dict[str, Tensor]]:
    """Gate gradients `(out,)` by weight name and batch, for a gate of one on each channel."""
    layers = layers_of(model)
    norms = {name: model.get_submodule(norm) for name, norm in norm_of.items()}
    widths = {name: prunable_weights(model)[name].shape[0] for name in layers}
    for images, labels in batches:
        forget_caches(model)
        gates: dict[str, Tensor] = {}
        with forward_hooks(layers | norms, partial(_gate, gates, widths)):
            loss = F.cross_entropy(model(images), labels)
        grads = torch.autograd.grad(loss, list(gates.values()), materialize_grads=True)
        yield dict(zip(gates, grads, strict=True))


def _gate(
    gates: dict[str, Tensor],
    widths: Mapping[str, int],
    name: str,
    module: nn.Module,
    _: Tensor,
    output: Tensor,
) -> Tensor | None:
    dim = channel_dim(module, output)
    if output.shape[dim] != widths[name]:
        # The norm of several layers' channels at once is no single layer's.
        return None
    gates[name] = torch.ones(widths[name], requires_grad=True)
    return output * gates[name].view(*(-1 if at == dim else 1 for at in range(output.dim())))


def channel_dim(module: nn.Module, output: Tensor) -> int:
    """Channel dimension of a layer's or a norm's output."""
    last = isinstance(module, nn.Linear) or type(module) is nn.LayerNorm
    return output.dim() - 1 if last else 1
