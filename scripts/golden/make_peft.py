"""Writes the LoRA and prefix fixtures: test/vectors/hf/<family>/<adapter>/. Run from the project's root, after make_base.py."""

import copy
import sys

import torch
from peft import LoraConfig, PrefixTuningConfig, get_peft_model, get_peft_model_state_dict
from transformers import AutoModelForCausalLM

from families import FAMILIES
from golden import ROOT, batch_of, difference, normal, train, use_one_thread, write_expected

PREFIX = PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)


def lora(targets, rank, alpha, **more):
    return LoraConfig(task_type="CAUSAL_LM", target_modules=targets, r=rank, lora_alpha=alpha, lora_dropout=0.0, **more)


def attention(rank, alpha):
    return lora(["q_proj", "v_proj"], rank, alpha)


ADAPTERS = {
    "llama": {
        "lora": attention(4, 8),
        "lora-all-linear-rslora": lora("all-linear", 3, 5, use_rslora=True),
        "prefix": PREFIX,
    },
    "llama3-rope": {"lora": lora(["q_proj", "k_proj", "v_proj", "o_proj"], 2, 3), "prefix": PREFIX},
    "llama-linear-rope": {"lora": lora(["k_proj", "up_proj", "down_proj"], 3, 6), "prefix": PREFIX},
    "llama-bias": {"lora-all-linear": lora("all-linear", 2, 4), "prefix": PREFIX},
    "mistral": {"lora": lora(["q_proj", "v_proj", "gate_proj"], 3, 7), "prefix": PREFIX},
    "qwen2": {"lora": lora(["q_proj", "k_proj", "down_proj"], 4, 4), "prefix": PREFIX},
    "qwen3": {"lora": lora(["q_proj", "k_proj", "o_proj"], 3, 4), "prefix": PREFIX},
    "gpt2": {
        "lora": lora(["c_attn"], 4, 6, fan_in_fan_out=True),
        "lora-all-linear": lora("all-linear", 2, 4, fan_in_fan_out=True),
        "lora-mlp-rslora": lora(["c_fc", "mlp.c_proj"], 3, 5, fan_in_fan_out=True, use_rslora=True),
        "prefix": PREFIX,
    },
}


def saved_key(name, kind):
    """The key under which PEFT saves a parameter."""
    return "prompt_embeddings" if kind == "PREFIX_TUNING" else name.replace(".default.", ".")


def adapted(family, adapter, **load):
    """The model with the adapter's random values, and its trainable tensors by saved key."""
    folder = ROOT / family
    base = AutoModelForCausalLM.from_pretrained(folder, **load).eval()
    config = copy.deepcopy(ADAPTERS[family][adapter])
    model = get_peft_model(base, config, autocast_adapter_dtype=False).eval()
    parameters = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        key = saved_key(name, config.peft_type)
        std = 0.5 if config.peft_type == "PREFIX_TUNING" else 0.12
        with torch.no_grad():
            parameter.copy_(normal(f"{family} {adapter} {key}", parameter.shape, std))
        parameters[key] = parameter
    saved = get_peft_model_state_dict(model)
    assert saved.keys() == parameters.keys(), (saved.keys(), parameters.keys())
    return model, parameters


def make(family, adapter):
    tokens, targets = batch_of(family)
    model, parameters = adapted(family, adapter, attn_implementation="eager", dtype=torch.float32)
    folder = ROOT / family / adapter
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    forward = lambda batch: model(batch).logits
    losses, tensors = train(forward, parameters, tokens, targets)
    # Another attention implementation, every product in float64: shows what float32 rounding may cost.
    model64, parameters64 = adapted(family, adapter, attn_implementation="sdpa", dtype=torch.float64)
    losses64, tensors64 = train(lambda batch: model64(batch).logits, parameters64, tokens, targets)
    float64 = difference(losses, tensors, losses64, tensors64)
    write_expected(folder, tokens, targets, losses, tensors, float64)
    print(family, adapter, f"{losses[0]:.4f} -> {losses[-1]:.4f}", float64)


use_one_thread()
for family in sys.argv[1:] or FAMILIES:
    for adapter in ADAPTERS[family]:
        make(family, adapter)
