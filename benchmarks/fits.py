"""One fit in a process of its own: python benchmarks/fits.py CONTENDER MODEL CUSTOMERS.

Prints one line of JSON: wall and CPU seconds of the fit, without imports and reading, the
parameters in days, and peak resident memory. A fit on the first rows comes before, so that all is
imported. lifetimes runs in an environment of its own, which needs pyarrow beside.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings

NAMES = ("repeat_purchases", "active_days", "tenure_days")
FEW = 500


def rfmkit(model, frame):
    """As a user would: the frame of rk.summarize, as it is."""
    import rfmkit as rk

    found = getattr(rk, model)().fit(frame)
    return list(found.params_.values())


def lifetimes(model, frame):
    """As its manual has it."""
    fitter = _fitter(model)
    fitter.fit(*(frame[name] for name in NAMES))
    return [float(value) for _, value in fitter.params_.items()]


def lifetimes_grouped(model, frame):
    """At its best: customers alike are one row with a weight."""
    fitter = _fitter(model)
    alike = frame.groupby(list(NAMES), as_index=False).size()
    fitter.fit(*(alike[name] for name in NAMES), weights=alike["size"])
    return [float(value) for _, value in fitter.params_.items()]


def _fitter(model):
    import lifetimes as lt
    import numpy as np

    np.random.seed(0)  # noqa: NPY002 (its ParetoNBD starts at random)
    return getattr(lt, f"{model}Fitter")()


CONTENDERS = {job.__name__: job for job in (rfmkit, lifetimes, lifetimes_grouped)}


def main():
    name, model, path = sys.argv[1:]
    warnings.simplefilter("ignore")
    import pandas as pd

    frame = pd.read_parquet(path, columns=list(NAMES))
    job = CONTENDERS[name]
    job(model, frame.head(FEW))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.perf_counter(), time.process_time()
    params = job(model, frame)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"contender": name, "seconds": wall, "cpu": cpu, "params": params}
    print(json.dumps(told | {"before_mb": before, "peak_mb": peak}))


if __name__ == "__main__":
    main()
