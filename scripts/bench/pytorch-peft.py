"""Measures a LoRA training step in PyTorch, transformers and PEFT on the CPU: what ours is compared with.

    python3 -m venv venv && venv/bin/pip install -r scripts/bench/pytorch-requirements.txt
    venv/bin/python scripts/bench/pytorch-peft.py --threads 2

The model is a Llama of the given shape (SmolLM2-135M by default) with random weights in float32; the step is forward,
backward, AdamW on the LoRA factors. Prints one JSON object.
"""

import argparse
import json
import os
import resource
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=576)
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--heads", type=int, default=9)
    parser.add_argument("--key-value-heads", type=int, default=3)
    parser.add_argument("--head-size", type=int, default=64)
    parser.add_argument("--intermediate", type=int, default=1536)
    parser.add_argument("--vocabulary", type=int, default=49152)
    parser.add_argument("--untied", action="store_true", help="an output matrix of its own")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=128, help="per sequence")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=8)
    parser.add_argument("--targets", default="q_proj,v_proj", help="names of linear layers, or all-linear")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warm-up", type=int, default=2, help="steps before the clock starts")
    parser.add_argument("--steps", type=int, default=2, help="steps that are timed at least")
    parser.add_argument("--seconds", type=float, default=5, help="for which steps are timed at least")
    return parser.parse_args()


def main():
    options = arguments()
    # Read when the libraries are loaded.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    import peft
    import torch
    import transformers

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        hidden_size=options.hidden,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        num_key_value_heads=options.key_value_heads,
        head_dim=options.head_size,
        intermediate_size=options.intermediate,
        vocab_size=options.vocabulary,
        tie_word_embeddings=not options.untied,
        max_position_embeddings=max(2048, options.tokens),
        use_cache=False,
    )
    base = transformers.LlamaForCausalLM(config).float()
    targets = options.targets if options.targets == "all-linear" else options.targets.split(",")
    lora = peft.LoraConfig(
        r=options.rank, lora_alpha=options.alpha, target_modules=targets, task_type="CAUSAL_LM"
    )
    model = peft.get_peft_model(base, lora)
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3)
    tokens = torch.randint(options.vocabulary, (options.batch, options.tokens))

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        optimizer.step()
        return loss.item()

    for _ in range(options.warm_up):
        step()
    started, started_cpu = time.perf_counter(), time.process_time()
    losses = []
    while len(losses) < options.steps or time.perf_counter() - started < options.seconds:
        losses.append(step())
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
    token_count = options.batch * options.tokens * len(losses)
    print(
        json.dumps(
            {
                "library": f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}",
                "threads": options.threads,
                "steps": len(losses),
                "tokensPerSecond": token_count / seconds,
                "secondsPerStep": seconds / len(losses),
                "cpuSecondsPerStep": cpu_seconds / len(losses),
                # Linux counts it in KiB.
                "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "trainedParameters": sum(parameter.numel() for parameter in trained),
                "firstLoss": losses[0],
                "lastLoss": losses[-1],
            }
        )
    )


main()
