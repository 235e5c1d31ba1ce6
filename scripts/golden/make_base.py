"""Writes every base model and its logits: test/vectors/hf/<family>/. Run from the project's root."""

import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from families import COMMON, FAMILIES
from golden import BATCH, ROOT, TIME, batch_of, loss_of, normal, use_one_thread, write_expected


def fill(model, family):
    """Large weights, biases and gains: no term of the forward pass may be near its neutral value."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            value = normal(f"{family} {name}", parameter.shape, 0.16)
            is_gain = name.endswith(".weight") and parameter.dim() == 1
            if "wpe" in name or "embed" in name or "wte" in name:
                value *= 1.5
            parameter.copy_(1 + 1.5 * value if is_gain else value)


def make(family):
    folder = ROOT / family
    fields = COMMON | FAMILIES[family]
    config = AutoConfig.for_model(**fields)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    fill(model, family)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    tokens, targets = batch_of(family)
    with torch.no_grad():
        logits = model(tokens).logits
    write_expected(
        folder, tokens, targets, [loss_of(logits, targets).item()], {"logits": logits.reshape(BATCH * TIME, -1)}
    )
    print(family, "loss", loss_of(logits, targets).item(), "logits std", logits.std().item())


use_one_thread()
for family in sys.argv[1:] or FAMILIES:
    make(family)
