"""Makes the demo's data from the census files that NannyML distributes (see data/NOTICE.md).

    python make_data.py FOLDER [--out data]

FOLDER holds employment_MA_{reference,analysis,analysis_target}.csv.gz. Four files come out, each with the source's row
`id`, the 16 features and the true answer `employed`:

    train.csv.gz      2015, what the models are trained on
    reference.csv.gz  2015, held out from training: what normal looks like
    steady.csv.gz     2015, held out as well, and none of the reference: traffic in which nothing has changed
    drifted.csv.gz    2017 and 2018, rows 120,000 to 159,999 of the analysis file, in their order: chunks 24 to 31 of 5,000

The rows of 2015 are shuffled before they are dealt out. In the source the members of a household follow each other (ages
of neighbouring rows correlate at 0.32), and a test that counts rows as independent would take that for evidence.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
import pandas as pd

FEATURES = [
    "AGEP", "SCHL", "MAR", "RELP", "DIS", "ESP", "CIT", "MIG",
    "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM", "SEX", "RAC1P",
]  # fmt: skip
COLUMNS = ["id", *FEATURES, "employed"]

SEED = 2015
REFERENCE_ROWS = 20_000
STEADY_ROWS = 21_000
CHUNK_ROWS = 5_000
FIRST_CHUNK, LAST_CHUNK = 24, 31


def write(rows: pd.DataFrame, path: Path) -> None:
    # Neither name nor time in the gzip header, so that the same rows give the same bytes.
    text = rows[COLUMNS].to_csv(index=False, lineterminator="\n").encode()
    path.write_bytes(gzip.compress(text, compresslevel=9, mtime=0))
    print(f"{path}: {len(rows):,} rows, {path.stat().st_size / 1000:,.0f} kB, {rows.employed.mean():.1%} employed")


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the demo's data from NannyML's census files.")
    parser.add_argument("source", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    args = parser.parse_args()

    year_2015 = pd.read_csv(args.source / "employment_MA_reference.csv.gz")
    dealt = np.random.default_rng(SEED).permutation(len(year_2015))
    reference, steady, train = np.split(dealt, [REFERENCE_ROWS, REFERENCE_ROWS + STEADY_ROWS])
    write(year_2015.iloc[np.sort(train)], args.out / "train.csv.gz")
    write(year_2015.iloc[reference], args.out / "reference.csv.gz")
    write(year_2015.iloc[steady], args.out / "steady.csv.gz")

    analysis = pd.read_csv(args.source / "employment_MA_analysis.csv.gz")
    actuals = pd.read_csv(args.source / "employment_MA_analysis_target.csv.gz")
    years_after = analysis.merge(actuals, on="id", how="left", validate="one_to_one")
    write(years_after.iloc[FIRST_CHUNK * CHUNK_ROWS : (LAST_CHUNK + 1) * CHUNK_ROWS], args.out / "drifted.csv.gz")


if __name__ == "__main__":
    main()
