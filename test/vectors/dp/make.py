"""Makes accountant.json and discrete-gaussian-samples.json beside this file.

    python3 -m venv venv && venv/bin/pip install dp-accounting==0.6.0 scipy==1.17.1
    venv/bin/python make.py ACCOUNTING_UTILS DISCRETEGAUSS

ACCOUNTING_UTILS: distributed_dp/accounting_utils.py of github.com/google-research/federated,
commit a5af8c4433c9ee2d2b1565f1bcc68c89e2000a6b (Apache-2.0). It asks tensorflow_privacy for one conversion, which
dp_accounting has as well.
DISCRETEGAUSS: discretegauss.py of github.com/IBM/discrete-gaussian-differential-privacy, commit
cb190d2a990a78eff6e21159203bc888e095f01b (Apache-2.0).
"""

import importlib.util
import json
import math
import sys
import types
from pathlib import Path

from dp_accounting import dp_event
from dp_accounting.pld import pld_privacy_accountant
from dp_accounting.rdp import rdp_privacy_accountant as rdp
from scipy import integrate, special

HERE = Path(__file__).parent
REAL_ORDERS = [1 + x / 10.0 for x in range(1, 100)] + list(range(11, 64)) + [128, 256, 512, 1024]


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def subsampled(q, sigma, steps, delta):
    event = dp_event.SelfComposedDpEvent(
        dp_event.PoissonSampledDpEvent(q, dp_event.GaussianDpEvent(sigma)), steps
    )
    renyi = rdp.RdpAccountant(REAL_ORDERS).compose(event)
    pld = pld_privacy_accountant.PLDAccountant().compose(event)
    return {
        "q": q,
        "sigma": sigma,
        "steps": steps,
        "delta": delta,
        "rdp": renyi.get_epsilon(delta),
        "pld": pld.get_epsilon(delta),
    }


def renyi_by_integration(q, sigma, order):
    """The divergence of the mixture from the plain Gaussian by quadrature: the truth, at any order."""

    def integrand(x):
        ratio = (1 - q) + q * math.exp((2 * x - 1) / (2 * sigma * sigma))
        return math.exp(-x * x / (2 * sigma * sigma)) / (sigma * math.sqrt(2 * math.pi)) * ratio**order

    points = [0, 1, order / 2]
    moment, _ = integrate.quad(
        integrand, -14 * sigma, 14 * sigma + order + 5, limit=5000, epsabs=0, epsrel=1e-13, points=points
    )
    return math.log(moment) / (order - 1)


def accountant(utils):
    cases = [
        (0.004266666666666667, 1.1, 14062, 1e-5),
        (0.04, 1.5, 2250, 1e-5),
        (0.01, 1, 1000, 1e-6),
        (0.1, 1, 100, 1e-5),
        (0.1, 2, 100, 1e-5),
        (1, 1, 1, 1e-5),
        (1, 5, 20, 1e-5),
    ]
    n, d, clip, z, delta = 20, 262144, 0.1, 1, 1e-5
    integer = []
    for bits in (16, 20):
        scale = utils.heuristic_scale_factor(z * clip / math.sqrt(n), clip, bits, n, d, 3.890592)
        for beta in (0, math.exp(-0.5)):
            share = z * clip / math.sqrt(n)
            integer.append(
                {
                    "bits": bits,
                    "scale": scale,
                    "beta": beta,
                    "l2Inflation": utils.rounded_l2_norm_bound(clip * scale, beta, d) / (clip * scale),
                    "skellam": utils.skellam_epsilon(scale, z * clip, clip, beta, d, 1, 1, delta)[0],
                    "discreteGaussian": utils.ddgauss_epsilon(1 / scale, share, n, clip, beta, d, 1, 1, delta)[0],
                }
            )
    # Noise of a few steps, where the terms beside the Gaussian's count: scale 1, one release, d coordinates.
    coarse = []
    for shares, variance, dimension, l2 in [(4, 1.0, 10, 3.0), (8, 0.5, 100, 4.0), (22, 4.0, 50, 20.0), (1, 9.0, 1, 2.0)]:
        l1 = l2 * min(math.sqrt(dimension), l2)
        central = shares * variance
        tau = 10 * sum(math.exp(-2 * math.pi**2 * variance * k / (k + 1)) for k in range(1, shares))
        orders = [2, 5, 32, 128]
        coarse.append(
            {
                "shares": shares,
                "variance": variance,
                "dimension": dimension,
                "l1": l1,
                "l2": l2,
                "orders": orders,
                "skellam": [utils._skellam_rdp(l1, l2, central, 1, a) for a in orders],
                "discreteGaussian": list(
                    utils.compute_rdp_dgaussian(
                        1, l1 / math.sqrt(central), l2 / math.sqrt(central), tau, dimension, 1, orders
                    )
                ),
            }
        )
    normal = [-40, -8, -3, -1, -0.1, 0, 0.5, 1, 2, 2.49, 2.51, 3, 5, 10, 40, 300]
    return {
        "source": "dp_accounting 0.6.0 (add or remove one, Poisson sampling); google-research/federated distributed_dp "
        "accounting_utils.py at a5af8c44 with the conversion of dp_accounting; scipy 1.17.1 for quadrature and log_ndtr; "
        "gaussianSingleRelease, rdpVector: rdp_privacy_accountant_test.py of dp_accounting; opacusTest, "
        "opacusCalibration: tests of Opacus",
        "epsilon": [subsampled(*case) for case in cases],
        "opacusTest": {"q": 0.04, "sigma": 1.5, "steps": 2250, "delta": 1e-5, "epsilon": 7.32911117143},
        "opacusCalibration": {"epsilon": 8, "delta": 1e-5, "q": 0.04, "steps": 2000, "sigma": 1.3562},
        "gaussianSingleRelease": {"sigma": 4.530877117, "delta": 1e-6, "epsilon": 1},
        "rdpVector": {
            "q": 0.01,
            "sigma": 2.5,
            "steps": 50,
            "orders": [1.5, 2.5, 5, 50, 100],
            "rdp": [6.70579741e-4, 1.08548710e-3, 2.18075656e-3, 2.38460375e-2, 167.416308],
        },
        "rdpByIntegration": [
            {"q": q, "sigma": sigma, "order": order, "rdp": renyi_by_integration(q, sigma, order)}
            for q, sigma in [(0.01, 2.5), (0.04, 1.5), (0.1, 1.0), (0.5, 0.8), (0.9, 1.0)]
            for order in [1.1, 1.5, 2, 2.5, 4.3, 7, 10.9]
        ],
        "integerNoise": {"n": n, "d": d, "clip": clip, "noiseMultiplier": z, "delta": delta, "cases": integer},
        "coarseIntegerNoise": coarse,
        "logNormalTail": [{"z": z, "log": float(special.log_ndtr(-z))} for z in normal],
    }


class Stream:
    """Draws below m as floor(m U), U from the upper bits of Knuth's 64-bit congruential generator: no rejection, so that
    a sampler that reduces its fractions and one that does not decide alike."""

    def __init__(self):
        self.state = 1

    def randrange(self, m):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state * m >> 64


def samples(reference):
    streams = []
    for variance in (1, 2, 7, 100, 12345, 1_000_000, 4_194_304):
        stream = Stream()
        drawn = [reference.sample_dgauss(variance, stream) for _ in range(80)]
        streams.append({"variance": variance, "samples": drawn, "stateAfter": str(stream.state)})
    return {
        "source": "discretegauss.py of IBM/discrete-gaussian-differential-privacy at cb190d2a, with uniform numbers below m "
        "as state * m >> 64, state = state * 6364136223846793005 + 1442695040888963407 mod 2^64, from state 1",
        "streams": streams,
    }


def main():
    stand_in = types.ModuleType("tensorflow_privacy")
    stand_in.get_privacy_spent = lambda orders, values, target_delta: (
        rdp.compute_epsilon(list(orders), list(values), target_delta)[0],
        target_delta,
        rdp.compute_epsilon(list(orders), list(values), target_delta)[1],
    )
    sys.modules["tensorflow_privacy"] = stand_in
    for plotting in ("matplotlib", "matplotlib.pyplot"):
        sys.modules[plotting] = types.ModuleType(plotting)
    utils = load(sys.argv[1], "accounting_utils")
    reference = load(sys.argv[2], "discretegauss")
    for name, content in [("accountant", accountant(utils)), ("discrete-gaussian-samples", samples(reference))]:
        text = json.dumps(content, indent=1, default=float)
        (HERE / f"{name}.json").write_text(text + "\n")


main()
