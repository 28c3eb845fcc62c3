"""How training computes: on which device, in how many bits, in which order of an image's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import torch
import torch.nn.functional as F

from harness.training.recipe import Arithmetic

if TYPE_CHECKING:
    from torch import Tensor, nn

BF16 = ("avx512_bf16", "amx_bf16", "bf16")
"""What PyTorch calls the instructions; without them 16 bits are slower."""


def processor_arithmetics() -> list[Arithmetic]:
    """Every one that this machine's processor has the instructions for."""
    told = torch.cpu.get_capabilities()
    lacking = {"cuda"} if any(told.get(name) for name in BF16) else {"cuda", "bf16"}
    return [name for name in get_args(Arithmetic) if not lacking & {*name.split("+")}]


def device_of(arithmetic: Arithmetic) -> str:
    """What PyTorch calls the device."""
    return "cuda" if "cuda" in arithmetic else "cpu"


def take_to(model: nn.Module, arithmetic: Arithmetic) -> None:
    """Put the weights, in place, where and how that arithmetic reads them."""
    model.to(device=device_of(arithmetic)).to(memory_format=_layout(arithmetic))


def laid_out(images: Tensor, arithmetic: Arithmetic) -> Tensor:
    """The images where and how that arithmetic reads them."""
    return images.to(device_of(arithmetic), memory_format=_layout(arithmetic))


def loss_of(model: nn.Module, images: Tensor, labels: Tensor, arithmetic: Arithmetic) -> Tensor:
    """Cross entropy of a model that was taken there."""
    device = device_of(arithmetic)
    with torch.autocast(device, torch.bfloat16, enabled="bf16" in arithmetic):
        return F.cross_entropy(model(laid_out(images, arithmetic)), labels.to(device))


def _layout(arithmetic: Arithmetic) -> torch.memory_format:
    return torch.channels_last if "channels_last" in arithmetic else torch.contiguous_format
