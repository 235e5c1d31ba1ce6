"""
Writes what needs transformers 4: the bottleneck fixtures of AdapterHub's library, test/vectors/hf/<family>/<adapter>/, and
each base model's config as that version saves it, test/vectors/hf/<family>/config.transformers-4.json.
Run from the project's root, after make_base.py.
"""

import sys
import tempfile
from pathlib import Path

import adapters
import torch
from adapters import DoubleSeqBnConfig, SeqBnConfig
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

from families import COMMON, FAMILIES
from golden import BATCH, ROOT, TIME, batch_of, difference, normal, relative, train, use_one_thread, write_expected


def houlsby(factor, activation):
    return DoubleSeqBnConfig(reduction_factor=factor, non_linearity=activation)


def pfeiffer(factor, activation):
    return SeqBnConfig(reduction_factor=factor, non_linearity=activation)


ADAPTERS = {
    "llama": {"houlsby": houlsby(6, "swish"), "pfeiffer": pfeiffer(12, "relu")},
    # 32 / 10 is rounded down: 3 units.
    "mistral": {"houlsby": houlsby(10, "gelu"), "pfeiffer": pfeiffer(8, "swish")},
    "qwen2": {"houlsby": houlsby(9, "swish"), "pfeiffer": pfeiffer(7, "gelu")},
    "qwen3": {"houlsby": houlsby(9, "swish")},
    "gpt2": {"houlsby": houlsby(9, "relu"), "pfeiffer": pfeiffer(6, "gelu")},
}


def base_of(family, **load):
    config = AutoConfig.for_model(**COMMON | FAMILIES[family])
    return AutoModelForCausalLM.from_pretrained(ROOT / family, config=config, **load).eval()


def write_config(family):
    model = base_of(family, attn_implementation="eager", dtype=torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(folder)
        text = Path(folder, "config.json").read_text()
    (ROOT / family / "config.transformers-4.json").write_text(text)
    tokens, _ = batch_of(family)
    with torch.no_grad():
        logits = model(tokens).logits.reshape(BATCH * TIME, -1)
    apart = relative(logits, load_file(ROOT / family / "expected.safetensors")["logits"])
    assert apart < 1e-6, f"{family}: transformers 4 and 5 differ by {apart}"
    print(family, f"transformers 4 against 5: {apart:.1e}")


def adapted(family, adapter, **load):
    """The model with the adapter's random values, and its trainable tensors by saved key."""
    model = base_of(family, **load)
    adapters.init(model)
    model.add_adapter(adapter, config=ADAPTERS[family][adapter])
    model.train_adapter(adapter)
    model.eval()
    if load["dtype"] == torch.float64:
        model.double()
    parameters = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        with torch.no_grad():
            parameter.copy_(normal(f"{family} {adapter} {name}", parameter.shape, 0.2))
        parameters[name] = parameter
    return model, parameters


def make(family, adapter):
    tokens, targets = batch_of(family)
    model, parameters = adapted(family, adapter, attn_implementation="eager", dtype=torch.float32)
    folder = ROOT / family / adapter
    model.save_adapter(str(folder), adapter, use_safetensors=True, with_head=False)
    saved = load_file(folder / "adapter.safetensors")
    assert saved.keys() == parameters.keys(), (saved.keys(), parameters.keys())
    losses, tensors = train(lambda batch: model(batch).logits, parameters, tokens, targets)
    model64, parameters64 = adapted(family, adapter, attn_implementation="sdpa", dtype=torch.float64)
    losses64, tensors64 = train(lambda batch: model64(batch).logits, parameters64, tokens, targets)
    float64 = difference(losses, tensors, losses64, tensors64)
    write_expected(folder, tokens, targets, losses, tensors, float64)
    print(family, adapter, f"{losses[0]:.4f} -> {losses[-1]:.4f}", float64)


use_one_thread()
for family in sys.argv[1:] or FAMILIES:
    write_config(family)
    for adapter in ADAPTERS.get(family, {}):
        make(family, adapter)
