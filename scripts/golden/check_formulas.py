"""
The formulas of docs/golden.md written out in float64, without transformers, peft or adapters, over every fixture:
logits, loss, gradients, and ten AdamW steps by hand. Exit 1 where one is off by more than 1e-4 of the largest value.
Run from the project's root.
"""

import json
import math
import sys

import torch
from safetensors.torch import load_file

from golden import ROOT, relative

ACTIVATIONS = {
    "relu": lambda x: x.clamp(min=0),
    "silu": lambda x: x / (1 + torch.exp(-x)),
    "swish": lambda x: x / (1 + torch.exp(-x)),
    "gelu": lambda x: x * (1 + torch.erf(x / math.sqrt(2))) / 2,
    "gelu_new": lambda x: x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
}


class Adapter:
    """What a fixture's folder holds; each method is the identity for the kinds that it does not concern."""

    def __init__(self, folder=None):
        self.kind, self.tensors = None, {}
        if folder is None:
            return
        self.config = json.loads((folder / "adapter_config.json").read_text())
        is_bottleneck = "config" in self.config
        self.kind = "BOTTLENECK" if is_bottleneck else self.config["peft_type"]
        file = "adapter.safetensors" if is_bottleneck else "adapter_model.safetensors"
        self.tensors = {key: tensor.double() for key, tensor in load_file(folder / file).items()}

    def linear(self, module, x):
        """scale * B A x, or zero where the module has no LoRA."""
        a = self.tensors.get(f"base_model.model.{module}.lora_A.weight")
        if a is None:
            return 0
        rank, alpha = self.config["r"], self.config["lora_alpha"]
        scale = alpha / (math.sqrt(rank) if self.config["use_rslora"] else rank)
        b = self.tensors[f"base_model.model.{module}.lora_B.weight"]
        return scale * (x @ a.T) @ b.T

    def after(self, layer, place, sublayer, residual):
        """The residual stream after attention (`attention_adapters`) or the MLP (`output_adapters`)."""
        key = f"{layer}.{place}.adapters.{self.config['name']}" if self.kind == "BOTTLENECK" else ""
        if f"{key}.adapter_up.weight" not in self.tensors:
            return residual + sublayer
        weight = lambda name: self.tensors[f"{key}.{name}"]
        settings = self.config["config"]
        into = sublayer + residual if settings["original_ln_before"] else sublayer
        down = into @ weight("adapter_down.0.weight").T + weight("adapter_down.0.bias")
        up = ACTIVATIONS[settings["non_linearity"]](down) @ weight("adapter_up.weight").T + weight("adapter_up.bias")
        return residual + sublayer + settings["scaling"] * up

    @property
    def prefix_length(self):
        return self.config["num_virtual_tokens"] if self.kind == "PREFIX_TUNING" else 0

    def prefix(self, layer):
        """Keys and values of a layer, each [virtual tokens, key-value heads, head size]."""
        heads = self.config["num_attention_heads"]
        size = self.config["token_dim"] // heads
        table = self.tensors["prompt_embeddings"].view(self.prefix_length, self.config["num_layers"] * 2, heads, size)
        return table[:, 2 * layer], table[:, 2 * layer + 1]


def rms_norm(x, gain, epsilon):
    return gain * x / torch.sqrt((x * x).mean(-1, keepdim=True) + epsilon)


def layer_norm(x, weights, name, epsilon):
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / torch.sqrt((centred * centred).mean(-1, keepdim=True) + epsilon)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def inverse_frequencies(config, size):
    rope = config["rope_parameters"]
    frequencies = rope["rope_theta"] ** -(torch.arange(0, size, 2, dtype=torch.float64) / size)
    if rope["rope_type"] == "linear":
        return frequencies / rope["factor"]
    if rope["rope_type"] == "llama3":
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        turns = rope["original_max_position_embeddings"] * frequencies / (2 * math.pi)
        kept = ((turns - low) / (high - low)).clamp(0, 1)
        return kept * frequencies + (1 - kept) * frequencies / rope["factor"]
    assert rope["rope_type"] == "default"
    return frequencies


def rotate(x, positions, frequencies):
    """x [batch, time, heads, size]: the first half of a head is rotated with the second half."""
    angles = positions[:, None].double() * frequencies
    cos, sin = angles.cos()[:, None, :], angles.sin()[:, None, :]
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def attend(q, k, v, adapter, layer, window):
    """q [batch, time, heads, size]; k and v [batch, time, key-value heads, size], rotated already; the prefix never is."""
    batch, time, heads, size = q.shape
    prefix = adapter.prefix_length
    if prefix > 0:
        keys, values = adapter.prefix(layer)
        k = torch.cat([keys.expand(batch, *keys.shape), k], 1)
        v = torch.cat([values.expand(batch, *values.shape), v], 1)
    k, v = (x.repeat_interleave(heads // x.shape[2], dim=2) for x in (k, v))
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(size)
    behind = prefix + torch.arange(time)[:, None] - torch.arange(prefix + time)
    visible = behind >= 0 if window is None else (behind >= 0) & (behind < window)
    scores = scores.masked_fill(~visible, -math.inf)
    return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), v).reshape(batch, time, heads * size)


def llama(config, weights, adapter, tokens):
    """Llama, Mistral, Qwen2, Qwen3: they differ in biases, head norms and the window."""
    batch, time = tokens.shape
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    size = config.get("head_dim") or config["hidden_size"] // heads
    epsilon = config["rms_norm_eps"]
    positions = adapter.prefix_length + torch.arange(time)
    frequencies = inverse_frequencies(config, size)

    def linear(module, x):
        bias = weights.get(f"{module}.bias", 0)
        return x @ weights[f"{module}.weight"].T + bias + adapter.linear(module, x)

    def head_norm(name, x):
        return rms_norm(x, weights[name], epsilon) if name in weights else x

    x = weights["model.embed_tokens.weight"][tokens]
    for i in range(config["num_hidden_layers"]):
        name = f"model.layers.{i}"
        attn = f"{name}.self_attn"
        h = rms_norm(x, weights[f"{name}.input_layernorm.weight"], epsilon)
        q = linear(f"{attn}.q_proj", h).view(batch, time, heads, size)
        k = linear(f"{attn}.k_proj", h).view(batch, time, groups, size)
        v = linear(f"{attn}.v_proj", h).view(batch, time, groups, size)
        q = rotate(head_norm(f"{attn}.q_norm.weight", q), positions, frequencies)
        k = rotate(head_norm(f"{attn}.k_norm.weight", k), positions, frequencies)
        attended = linear(f"{attn}.o_proj", attend(q, k, v, adapter, i, config.get("sliding_window")))
        x = adapter.after(name, "attention_adapters", attended, x)
        h = rms_norm(x, weights[f"{name}.post_attention_layernorm.weight"], epsilon)
        gate = ACTIVATIONS[config["hidden_act"]](linear(f"{name}.mlp.gate_proj", h))
        x = adapter.after(
            name, "output_adapters", linear(f"{name}.mlp.down_proj", gate * linear(f"{name}.mlp.up_proj", h)), x
        )
    head = "model.embed_tokens.weight" if config["tie_word_embeddings"] else "lm_head.weight"
    return rms_norm(x, weights["model.norm.weight"], epsilon) @ weights[head].T


def gpt2(config, weights, adapter, tokens):
    batch, time = tokens.shape
    heads, epsilon = config["n_head"], config["layer_norm_epsilon"]

    def conv1d(module, x):
        return x @ weights[f"{module}.weight"] + weights[f"{module}.bias"] + adapter.linear(module, x)

    positions = adapter.prefix_length + torch.arange(time)
    x = weights["transformer.wte.weight"][tokens] + weights["transformer.wpe.weight"][positions]
    for i in range(config["n_layer"]):
        name = f"transformer.h.{i}"
        qkv = conv1d(f"{name}.attn.c_attn", layer_norm(x, weights, f"{name}.ln_1", epsilon))
        q, k, v = (part.view(batch, time, heads, -1) for part in qkv.chunk(3, -1))
        attended = conv1d(f"{name}.attn.c_proj", attend(q, k, v, adapter, i, None))
        x = adapter.after(name, "attention_adapters", attended, x)
        h = conv1d(f"{name}.mlp.c_fc", layer_norm(x, weights, f"{name}.ln_2", epsilon))
        h = conv1d(f"{name}.mlp.c_proj", ACTIVATIONS[config["activation_function"]](h))
        x = adapter.after(name, "output_adapters", h, x)
    return layer_norm(x, weights, "transformer.ln_f", epsilon) @ weights["transformer.wte.weight"].T


def loss_of(logits, targets):
    """logits [batch * time, vocab]"""
    targets = targets.flatten()
    picked = (logits.logsumexp(-1) - logits.gather(1, targets.clamp(min=0)[:, None])[:, 0])[targets >= 0]
    return picked.mean()


def adamw_step(parameters, gradients, moments, step, settings):
    (beta1, beta2), lr = settings["betas"], settings["lr"]
    for key, parameter in parameters.items():
        m, v = moments[key]
        m.mul_(beta1).add_(gradients[key] * (1 - beta1))
        v.mul_(beta2).add_(gradients[key] ** 2 * (1 - beta2))
        parameter.mul_(1 - lr * settings["weightDecay"])
        parameter.sub_(lr * (m / (1 - beta1**step)) / (torch.sqrt(v / (1 - beta2**step)) + settings["eps"]))


def check(folder):
    """Largest relative difference of each kind."""
    is_base = folder.parent == ROOT
    family = folder if is_base else folder.parent
    config = json.loads((family / "config.json").read_text())
    weights = {key: tensor.double() for key, tensor in load_file(family / "model.safetensors").items()}
    expected = json.loads((folder / "expected.json").read_text())
    tensors = load_file(folder / "expected.safetensors")
    tokens, targets = torch.tensor(expected["tokens"]), torch.tensor(expected["targets"])
    adapter = Adapter(None if is_base else folder)
    forward = gpt2 if config["model_type"] == "gpt2" else llama

    worst = {}

    def compare(kind, got, wanted):
        worst[kind] = max(worst.get(kind, 0), relative(got, wanted))

    for parameter in adapter.tensors.values():
        parameter.requires_grad_(True)
    moments = {key: (torch.zeros_like(p), torch.zeros_like(p)) for key, p in adapter.tensors.items()}
    for step, wanted in enumerate(expected.get("losses", [expected["loss"]]), 1):
        logits = forward(config, weights, adapter, tokens).flatten(0, 1)
        loss = loss_of(logits, targets)
        compare("losses", loss.detach(), torch.tensor(wanted))
        if step == 1:
            compare("logits", logits.detach(), tensors["logits"])
        if is_base:
            break
        gradients = dict(zip(adapter.tensors, torch.autograd.grad(loss, list(adapter.tensors.values()))))
        with torch.no_grad():
            if step == 1:
                for key, gradient in gradients.items():
                    compare("grad", gradient, tensors[f"grad.{key}"])
            adamw_step(adapter.tensors, gradients, moments, step, expected["adamw"])
    for key, parameter in adapter.tensors.items():
        compare("after", parameter.detach(), tensors[f"after.{key}"])
    return worst


torch.set_num_threads(1)
folders = sorted(path.parent for path in ROOT.glob("**/expected.json"))
worst = 0
for folder in folders:
    found = check(folder)
    worst = max(worst, *found.values())
    print(folder.relative_to(ROOT), {kind: f"{value:.1e}" for kind, value in found.items()})
print(f"{len(folders)} fixtures, largest relative difference {worst:.1e}")
sys.exit(0 if 0 < worst <= 1e-4 else 1)
