#!/bin/sh
# Makes every fixture under test/vectors/hf anew: sh scripts/golden/make.sh [folder for the Python environments]
set -eu
cd "$(dirname "$0")/../.."
environments=${1:-${TMPDIR:-/tmp}/fedpeft-golden}
# Sets of names are saved in the order of their hashes; sums depend on the number of threads.
export PYTHONHASHSEED=0 OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1

python_of() {
  if [ ! -x "$environments/$1/bin/python" ]; then
    python3 -m venv "$environments/$1"
    "$environments/$1/bin/python" -m pip install --quiet --requirement "scripts/golden/$2" >&2
  fi
  echo "$environments/$1/bin/python"
}

peft=$(python_of peft requirements.txt)
"$peft" scripts/golden/make_base.py
"$peft" scripts/golden/make_peft.py
"$peft" scripts/golden/make_chat_templates.py
"$(python_of adapters requirements-adapters.txt)" scripts/golden/make_bottleneck.py
"$peft" scripts/golden/check_formulas.py
