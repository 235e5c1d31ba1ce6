"""
Loads an adapter that fedpeft saved into Hugging Face PEFT (or a bottleneck adapter into AdapterHub's library) and compares
logits: exit 0 if every one is within 1e-4 of the largest, 1 if not, 2 on wrong usage.

    python check-adapter.py <base folder> <adapter folder> <logits.safetensors> [--tokens expected.json]

A folder `merged` in the adapter's holds the base with the LoRA merged in, and has to say the same as a model of its own.

logits.safetensors holds our `logits` [batch * time, vocab] or [batch, time, vocab], and `tokens` [batch, time] of any type
unless --tokens names a JSON file that has them. PEFT needs requirements.txt, AdapterHub requirements-adapters.txt.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

TOLERANCE = 1e-4


def load_base(folder):
    # transformers 4 does not know the `rope_parameters` of configs saved by transformers 5.
    older = folder / "config.transformers-4.json"
    config = AutoConfig.from_pretrained(older) if older.exists() and is_transformers_4() else None
    return AutoModelForCausalLM.from_pretrained(folder, config=config, dtype=torch.float32).eval()


def is_transformers_4():
    import transformers

    return transformers.__version__.startswith("4.")


def with_peft(base, folder):
    from peft import PeftModel, get_peft_model_state_dict

    model = PeftModel.from_pretrained(base, folder, autocast_adapter_dtype=False).eval()
    return model, get_peft_model_state_dict(model), load_file(folder / "adapter_model.safetensors")


def with_adapterhub(base, folder):
    import adapters

    adapters.init(base)
    name = base.load_adapter(str(folder), set_active=True, use_safetensors=True, with_head=False)
    base.eval()
    saved = load_file(folder / "adapter.safetensors")
    loaded = {key: value for key, value in base.state_dict().items() if f".adapters.{name}." in key}
    return base, loaded, saved


def complain_of_keys(loaded, saved):
    """PEFT passes over keys that it does not know and fills in what is missing: neither may happen."""
    unknown, missing = sorted(saved.keys() - loaded.keys()), sorted(loaded.keys() - saved.keys())
    changed = sorted(key for key in saved.keys() & loaded.keys() if not torch.equal(loaded[key].cpu(), saved[key].float()))
    for what, keys in (("not known", unknown), ("missing", missing), ("not as saved", changed)):
        if keys:
            print(f"{what}: {len(keys)} tensors, such as {keys[0]}")
    return bool(unknown or missing or changed)


def relative(got, expected):
    return ((got - expected).abs().max() / expected.abs().max()).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("adapter", type=Path)
    parser.add_argument("logits", type=Path)
    parser.add_argument("--tokens", type=Path)
    options = parser.parse_args()
    ours = load_file(options.logits)
    if options.tokens is None and "tokens" not in ours:
        parser.error(f"{options.logits} has no tensor `tokens`: write one, or name a JSON file by --tokens")
    tokens = json.loads(options.tokens.read_text())["tokens"] if options.tokens else ours["tokens"].tolist()
    tokens = torch.tensor(tokens).long()

    torch.set_num_threads(1)
    base = load_base(options.base)
    with torch.no_grad():
        plain = base(tokens).logits.flatten(0, 1)
    with_library = with_adapterhub if (options.adapter / "adapter.safetensors").exists() else with_peft
    model, loaded, saved = with_library(base, options.adapter)
    is_wrong = complain_of_keys(loaded, saved)
    with torch.no_grad():
        theirs = model(tokens).logits.flatten(0, 1)
    mine = ours["logits"].float().reshape(theirs.shape)
    apart, effect = relative(mine, theirs), relative(plain, theirs)
    if effect <= TOLERANCE:
        is_wrong = True
        print(f"the adapter changes no logit by more than {effect:.1e}: such a comparison would show nothing")
    merged = options.adapter / "merged"
    if merged.exists():
        with torch.no_grad():
            alone = relative(load_base(merged)(tokens).logits.flatten(0, 1), theirs)
        is_wrong = is_wrong or not alone <= TOLERANCE
        print(f"merged into the base: max relative difference {alone:.3e}")
    print(f"max relative difference {apart:.3e} over {theirs.numel()} logits (the adapter's own effect {effect:.3e})")
    sys.exit(1 if is_wrong or not apart <= TOLERANCE else 0)


main()
