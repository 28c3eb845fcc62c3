"""Training precision, device and memory format."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import torch
import torch.nn.functional as F

from harness.training.recipe import Arithmetic

if TYPE_CHECKING:
    from torch import Tensor, nn

BF16_CAPABILITIES = ("avx512_bf16", "amx_bf16", "bf16")
"""Processor capabilities, as PyTorch calls them, without which 16 bits are slower."""


def processor_arithmetics() -> list[Arithmetic]:
    """Arithmetics that this machine's processor has the instructions for."""
    capabilities = torch.cpu.get_capabilities()
    missing = (
        {"cuda"} if any(capabilities.get(name) for name in BF16_CAPABILITIES) else {"cuda", "bf16"}
    )
    return [name for name in get_args(Arithmetic) if not missing & {*name.split("+")}]


def device_of(arithmetic: Arithmetic) -> str:
    """Device of an arithmetic, as PyTorch calls it."""
    return "cuda" if "cuda" in arithmetic else "cpu"


def move_model(model: nn.Module, arithmetic: Arithmetic) -> None:
    """Move a model to the device and memory format of an arithmetic, in place."""
    model.to(device=device_of(arithmetic)).to(memory_format=_memory_format(arithmetic))


def move_images(images: Tensor, arithmetic: Arithmetic) -> Tensor:
    """Move images to the device and memory format of an arithmetic."""
    return images.to(device_of(arithmetic), memory_format=_memory_format(arithmetic))


def loss_of(model: nn.Module, images: Tensor, labels: Tensor, arithmetic: Arithmetic) -> Tensor:
    """Loss: cross entropy of a model that `move_model` moved."""
    device = device_of(arithmetic)
    with torch.autocast(device, torch.bfloat16, enabled="bf16" in arithmetic):
        return F.cross_entropy(model(move_images(images, arithmetic)), labels.to(device))


def _memory_format(arithmetic: Arithmetic) -> torch.memory_format:
    return torch.channels_last if "channels_last" in arithmetic else torch.contiguous_format
