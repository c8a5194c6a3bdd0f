"""
The other side of `npm run bench:detectors -- --python PATH`: the same values through river, frouros, scipy and evidently.

Started by bench/detectors.ts with a folder of streams (NAME.f64, little-endian doubles). Says on its first line which
packages it found; then, for each line {"kind", "name", "params", "streams"} on standard input, runs that subject once and answers
with a line {"ns": nanoseconds a value (or a call), "answer": ...}. Reading and preparing the values is not timed.
"""

import importlib
import importlib.metadata
import json
import sys
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


versions = {package: version(package) for package in ("river", "frouros", "scipy", "evidently", "numpy")}
versions["python"] = sys.version.split()[0]


def floats(name):
    import array

    values = array.array("d")
    values.frombytes((folder / f"{name}.f64").read_bytes())
    return values


def river(name, **params):
    """A river drift detector, which starts anew by itself with the value after an alarm."""
    from river import drift

    made = getattr(drift.binary if hasattr(drift.binary, name) else drift, name)

    def run(values):
        detector = made(**params)
        alarms = []
        start = time.perf_counter_ns()
        for index, value in enumerate(values):
            detector.update(value)
            if detector.drift_detected:
                alarms.append(index)
        return time.perf_counter_ns() - start, alarms

    return run


def frouros(name, **params):
    """A frouros drift detector, started anew by us after an alarm."""
    module = importlib.import_module("frouros.detectors.concept_drift")
    made = getattr(module, name)
    config = getattr(module, f"{name}Config")

    def run(values):
        detector = made(config=config(**params))
        alarms = []
        start = time.perf_counter_ns()
        for index, value in enumerate(values):
            detector.update(value=value)
            if detector.drift:
                alarms.append(index)
                detector.reset()
        return time.perf_counter_ns() - start, alarms

    return run


def half_space_trees(features, **params):
    from river import anomaly

    def run(values):
        rows = [dict(enumerate(values[i : i + features])) for i in range(0, len(values), features)]
        detector = anomaly.HalfSpaceTrees(limits={i: (0, 1) for i in range(features)}, **params)
        start = time.perf_counter_ns()
        for row in rows:
            detector.score_one(row)
            detector.learn_one(row)
        return time.perf_counter_ns() - start, None

    return run


def two_sample(call):
    """A function of two numpy arrays, the reference and the window."""
    import numpy as np

    def run(reference, window):
        a, b = np.asarray(reference), np.asarray(window)
        start = time.perf_counter_ns()
        answer = call(a, b)
        return time.perf_counter_ns() - start, answer

    return run


def scipy(name):
    from scipy import stats

    calls = {
        "ks": lambda a, b: tuple(stats.ks_2samp(a, b, method="asymp")),
        "cramer-von-mises": lambda a, b: (lambda r: (r.statistic, r.pvalue))(stats.cramervonmises_2samp(a, b, method="asymptotic")),
        "anderson-darling": lambda a, b: (lambda r: (r.statistic, r.pvalue))(stats.anderson_ksamp([a, b])),
        "mann-whitney": lambda a, b: tuple(stats.mannwhitneyu(a, b)),
        "epps-singleton": lambda a, b: tuple(stats.epps_singleton_2samp(a, b)),
        "welch": lambda a, b: tuple(stats.ttest_ind(a, b, equal_var=False)),
        "wasserstein": lambda a, b: (stats.wasserstein_distance(a, b),),
        "energy": lambda a, b: (stats.energy_distance(a, b),),
    }
    return two_sample(lambda a, b: [float(value) for value in calls[name](a, b)])


def evidently(name):
    """A stattest of evidently on two numeric columns. Its bins come from both batches together, so answers differ from ours."""
    import pandas as pd

    stattests = importlib.import_module("evidently.legacy.calculations.stattests")
    column_type = importlib.import_module("evidently.legacy.core").ColumnType.Numerical
    test = getattr(stattests, name)

    def run(reference, window):
        a, b = pd.Series(reference), pd.Series(window)
        start = time.perf_counter_ns()
        result = test(a, b, column_type, 0.1)
        return time.perf_counter_ns() - start, [float(result.drift_score)]

    return run


kinds = {"river": river, "frouros": frouros, "half-space-trees": half_space_trees, "scipy": scipy, "evidently": evidently}
streams = {}


def stream(name, length):
    if (name, length) not in streams:
        streams[name, length] = list(floats(name)[:length])
    return streams[name, length]


print(json.dumps(versions), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    try:
        run = kinds[asked["kind"]](asked["name"], **asked["params"]) if asked["kind"] != "half-space-trees" else half_space_trees(**asked["params"])
        values = [stream(name, length) for name, length in asked["streams"]]
        elapsed, answer = run(*values)
        print(json.dumps({"ns": elapsed, "answer": answer}), flush=True)
    except Exception as error:  # a package that is missing or has other names: said, and the bench goes on
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
