"""Measures this machine's limit of float32 matrix products: numpy's OpenBLAS on one thread, per second of CPU time.

    python3 scripts/bench/sgemm-limit.py --shape 1024x1024x1024

A shape is rows x inner x columns. Prints one JSON object; the limit is the best shape's.
"""

import argparse
import json
import os
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", help="may be given several times; by default 1024x1024x1024")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="of which the best counts")
    parser.add_argument("--seconds", type=float, default=0.2, help="at least, of each repeat")
    options = parser.parse_args()
    # Read when the library is loaded.
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import numpy

    generator = numpy.random.default_rng(1)

    def measure(shape):
        rows, inner, columns = (int(size) for size in shape.split("x"))
        a = generator.standard_normal((rows, inner), dtype=numpy.float32)
        b = generator.standard_normal((inner, columns), dtype=numpy.float32)
        product = numpy.empty((rows, columns), dtype=numpy.float32)
        numpy.matmul(a, b, out=product)
        best = 0.0
        for _ in range(options.repeats):
            count, started, started_cpu = 0, time.perf_counter(), time.process_time()
            while time.perf_counter() - started < options.seconds:
                numpy.matmul(a, b, out=product)
                count += 1
            cpu_seconds = time.process_time() - started_cpu
            best = max(best, 2 * rows * inner * columns * count / cpu_seconds / 1e9)
        return {"shape": shape, "gflopPerCpuSecond": best}

    results = [measure(shape) for shape in options.shape or ["1024x1024x1024"]]
    blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    print(
        json.dumps(
            {
                "library": f"numpy {numpy.__version__}, {blas['name']} {blas['version']}",
                "threads": options.threads,
                "gflopPerCpuSecond": max(result["gflopPerCpuSecond"] for result in results),
                "shapes": results,
            }
        )
    )


main()
