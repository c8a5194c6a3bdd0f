"""Trains the demo's models on the census rows of 2015 and writes them as ONNX.

    python train.py [DATA]

DATA (default: the folder data beside this file) holds what make_data.py wrote. The models learn from train.csv.gz; every
figure printed is from the rows held out from it. All of them predict whether a person has work.

    models/employment/1   boosted trees, few and shallow, on 9,000 rows
    models/employment/2   boosted trees, more and deeper, on all rows: better
    models/employment/3   a candidate with a mistake in it: two columns of its training table were exchanged, disability
                          (DIS) and sex (SEX). Both hold 1 and 2, so no check of ranges sees it; it loads and answers like
                          the others, and is clearly worse
    fallback.onnx         logistic regression, small enough to be kept in the sidecar

Each takes 16 named inputs FP32 [n,1] and answers `label` INT64 [n] and `probabilities` FP32 [n,2]. expected.json gets the
answers that scikit-learn itself gives for 20 rows, so that the ONNX files can be held to them.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import onnx
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from make_data import FEATURES

SEED = 2015
SMALL_ROWS = 9_000
EXPECTED_ROWS = 20
HERE = Path(__file__).parent


def boosted_trees(trees: int, leaves: int) -> Pipeline:
    # The column transformer changes nothing: it makes the converter join 16 named inputs in this order. The faster
    # HistGradientBoostingClassifier of scikit-learn 1.9 can not be converted by skl2onnx 1.20: it trips over NumPy's bool.
    return make_pipeline(
        make_column_transformer(("passthrough", FEATURES)),
        GradientBoostingClassifier(n_estimators=trees, max_leaf_nodes=leaves, random_state=SEED),
    )


def logistic() -> Pipeline:
    codes = [name for name in FEATURES if name != "AGEP"]
    age = KBinsDiscretizer(12, encode="onehot-dense", quantile_method="averaged_inverted_cdf")
    return make_pipeline(
        make_column_transformer((age, ["AGEP"]), (OneHotEncoder(handle_unknown="ignore"), codes)),
        LogisticRegression(max_iter=2_000),
    )


def exchange(rows: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    return rows.rename(columns={one: other, other: one})[FEATURES]


def write(model: Pipeline, path: Path) -> None:
    graph = to_onnx(
        model,
        name="employment",
        initial_types=[(feature, FloatTensorType([None, 1])) for feature in FEATURES],
        options={"zipmap": False},
        target_opset=17,
    )
    for value in [*graph.graph.input, *graph.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    graph.opset_import.sort(key=lambda opset: opset.domain)  # else in the order of a hash: other bytes at each run
    onnx.checker.check_model(graph)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the demo's models.")
    parser.add_argument("data", type=Path, nargs="?", default=HERE / "data")
    data: Path = parser.parse_args().data

    print(", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "skl2onnx", "onnx", "numpy", "pandas")))
    train = pd.read_csv(data / "train.csv.gz").astype("float32")
    held_out = pd.concat([pd.read_csv(data / f"{name}.csv.gz") for name in ("reference", "steady")]).astype("float32")
    drifted = pd.read_csv(data / "drifted.csv.gz").astype("float32")
    few = train.sample(SMALL_ROWS, random_state=SEED)

    models = {
        "models/employment/1/model.onnx": boosted_trees(80, 8).fit(few[FEATURES], few.employed.astype(int)),
        "models/employment/2/model.onnx": boosted_trees(200, 15).fit(train[FEATURES], train.employed.astype(int)),
        "models/employment/3/model.onnx": boosted_trees(200, 15).fit(
            exchange(train, "DIS", "SEX"), train.employed.astype(int)
        ),
        "fallback.onnx": logistic().fit(train[FEATURES], train.employed.astype(int)),
    }

    rows = held_out.sample(EXPECTED_ROWS, random_state=SEED)[FEATURES]
    expected: dict[str, object] = {}
    print(f"{'file':34} {'kB':>5} {'AUC 2015':>9}   AUC of chunks 24..31")
    for file, model in models.items():
        write(model, HERE / file)
        probabilities = model.predict_proba(rows)
        expected[file] = {
            "label": model.predict(rows).tolist(),
            "probabilities": [[round(float(p), 7) for p in pair] for pair in probabilities],
        }
        auc = roc_auc_score(held_out.employed, model.predict_proba(held_out[FEATURES])[:, 1])
        chunks = [
            roc_auc_score(chunk.employed, model.predict_proba(chunk[FEATURES])[:, 1])
            for _, chunk in drifted.groupby(drifted.index // 5_000)
        ]
        size = (HERE / file).stat().st_size / 1_000
        print(f"{file:34} {size:5.0f} {auc:9.4f}   {' '.join(f'{value:.3f}' for value in chunks)}")

    body = {"features": FEATURES, "rows": rows.astype(int).to_numpy().tolist(), "models": expected}
    (HERE / "expected.json").write_text(json.dumps(body) + "\n")


if __name__ == "__main__":
    main()
