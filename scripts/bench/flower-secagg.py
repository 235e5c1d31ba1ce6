"""How long Flower's SecAgg+ takes for one mask: its own functions, in the order in which its workflow calls them.

python3 flower-secagg.py FILE D REPEATS: FILE holds vectors of D numbers, float64, little-endian. Prints one JSON object.
CPU time of the process, the fastest of REPEATS. With the defaults of flwr 1.42's SecAggPlusWorkflow: clipping range 8,
quantisation range 2^22, modulus 2^32.
"""
import json
import os
import sys
import time
from importlib.metadata import version

os.environ["FLWR_TELEMETRY_ENABLED"] = "0"

import numpy as np
from flwr.common.secure_aggregation.ndarrays_arithmetic import (
    get_parameters_shape,
    parameters_addition,
    parameters_mod,
    parameters_subtraction,
)
from flwr.common.secure_aggregation.quantization import quantize
from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen

MOD_RANGE = 2**32
MASKS = 8


def unmask(vector, seeds):
    """As secaggplus_workflow.py, unmask_stage, with secrets that are recovered already."""
    for index, seed in enumerate(seeds):
        mask = pseudo_rand_gen(seed, MOD_RANGE, get_parameters_shape(vector))
        if index % 2 == 0:
            vector = parameters_addition(vector, mask)
        else:
            vector = parameters_subtraction(vector, mask)
    return parameters_mod(vector, MOD_RANGE)


def main():
    path, dimension, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    deltas = np.fromfile(path, dtype="<f8").reshape(-1, dimension)
    vector = quantize([deltas[0]], 8.0, 2**22)
    for delta in deltas[1:]:
        vector = parameters_addition(vector, quantize([delta], 8.0, 2**22))
    seeds = [os.urandom(32) for _ in range(MASKS)]
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        unmask(vector, seeds)
        best = min(best, time.process_time() - start)
    rate = best * 1e9 / dimension / MASKS
    print(json.dumps({"nsPerElementExpansion": rate, "version": version("flwr")}))


main()
