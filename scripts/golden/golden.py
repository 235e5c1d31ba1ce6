"""What every generator shares: seeded values, the batch, the loss, ten steps of AdamW, the files."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy

from families import VOCABULARY

ROOT = Path("test/vectors/hf")
BATCH, TIME = 2, 12
STEPS = 10
ADAMW = dict(lr=0.005, betas=[0.9, 0.98], eps=1e-4, weightDecay=0.1)


def use_one_thread():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def generator(name):
    """A tensor's values follow from its name alone, so that no fixture depends on another."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")
    return torch.Generator().manual_seed(seed)


def normal(name, shape, std):
    return torch.randn(shape, generator=generator(name)) * std


def batch_of(family):
    """Tokens and targets, [2, 12] each; target[t] is predicted from position t; -1 does not count."""
    tokens = torch.randint(0, VOCABULARY, (BATCH, TIME), generator=generator(f"{family} tokens"))
    last = torch.randint(0, VOCABULARY, (BATCH, 1), generator=generator(f"{family} last"))
    targets = torch.cat([tokens[:, 1:], last], dim=1)
    targets[0, 0] = targets[0, 7] = targets[1, 3] = targets[1, 11] = -1
    return tokens, targets


def loss_of(logits, targets):
    """Mean nats over the targets that are not -1."""
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-1)


def relative(got, expected):
    """Largest difference over the largest value."""
    return ((got.double() - expected.double()).abs().max() / expected.double().abs().max()).item()


def train(forward, parameters, tokens, targets):
    """
    Logits and gradients at the start, then ten AdamW steps on one batch.
    parameters: {key as the adapter's file has it: leaf tensor}
    """
    lr, betas, eps, decay = (ADAMW[key] for key in ("lr", "betas", "eps", "weightDecay"))
    optimizer = torch.optim.AdamW(parameters.values(), lr=lr, betas=tuple(betas), eps=eps, weight_decay=decay)
    tensors, losses = {}, []
    for step in range(STEPS):
        optimizer.zero_grad()
        logits = forward(tokens)
        loss = loss_of(logits, targets)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            tensors["logits"] = logits.detach().reshape(BATCH * TIME, -1).clone()
            for key, parameter in parameters.items():
                tensors[f"grad.{key}"] = parameter.grad.detach().clone()
        optimizer.step()
    for key, parameter in parameters.items():
        tensors[f"after.{key}"] = parameter.detach().clone()
    return losses, tensors


def write_expected(folder, tokens, targets, losses, tensors, float64=None):
    """`float64`: largest relative difference of the same in float64, by kind."""
    expected = dict(tokens=tokens.tolist(), targets=targets.tolist(), loss=losses[0])
    if len(losses) > 1:
        expected |= dict(losses=losses, adamw=ADAMW)
    if float64 is not None:
        expected |= dict(float64Difference=float64)
    Path(folder, "expected.json").write_text(one_line_lists(expected))
    save_file({key: tensor.float().contiguous() for key, tensor in tensors.items()}, Path(folder, "expected.safetensors"))


def one_line_lists(fields):
    body = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items())
    return "{\n" + body + "\n}\n"


def difference(losses, tensors, losses64, tensors64):
    """Float32 against float64: by kind of tensor, and the losses."""
    kinds = {"logits": [], "grad": [], "after": []}
    for key, tensor in tensors.items():
        kinds[key.split(".")[0]].append(relative(tensor, tensors64[key]))
    worst = {kind: max(values) for kind, values in kinds.items() if values}
    worst["losses"] = max(abs(a - b) / abs(b) for a, b in zip(losses, losses64))
    # A fixture that rounding alone moves further could not tell a right engine from a wrong one at 1e-4.
    assert max(worst.values()) < 2e-5, worst
    return {kind: float(f"{value:.1e}") for kind, value in worst.items()}
