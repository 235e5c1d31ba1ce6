#!/bin/sh
# Saves adapters with our engine (save-adapters.ts), loads each in PEFT or AdapterHub's library and compares logits:
#   sh scripts/golden/check-ours.sh [folder for the Python environments, as of make.sh] [folder for the adapters]
set -eu
cd "$(dirname "$0")/../.."
environments=${1:-${TMPDIR:-/tmp}/fedpeft-golden}
adapters=${2:-$(mktemp -d)}
export OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 TRANSFORMERS_VERBOSITY=error PYTHONWARNINGS=ignore

for environment in peft adapters; do
  "$environments/$environment/bin/python" -c '
import importlib.metadata as m
print(*(f"{name} {m.version(name)}" for name in ("torch", "transformers", "peft", "adapters") if name in {d.name for d in m.distributions()}))'
done
node scripts/golden/save-adapters.ts "$adapters"
failed=0
for adapter in "$adapters"/*/*/; do
  family=$(basename "$(dirname "$adapter")")
  case $(basename "$adapter") in
    houlsby | pfeiffer) python=$environments/adapters/bin/python ;;
    *) python=$environments/peft/bin/python ;;
  esac
  echo "$family/$(basename "$adapter"):"
  "$python" scripts/golden/check-adapter.py "test/vectors/hf/$family" "$adapter" "$adapter/logits.safetensors" || failed=1
done
exit $failed
