"""Trains the classifier of one appliance type from a matrix and exports it to ONNX.

Takes a folder with `matrix.json` (inputs, classes, seed, and per row label, split and weight) and `rows.f32` (row-major float32),
both written by scripts/train.ts; the rows are z-scores made by the same TypeScript that serves. Writes `model.onnx`, `parity.json`
and `training.json` into the folder. Knows nothing of appliances, windows or calibration; splits are taken as given.
"""

import json
import sys
from pathlib import Path

import lightgbm
import numpy
import onnx
import sklearn
from lightgbm import LGBMClassifier
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

PARITY_ROWS = 96
TOLERANCE = 1e-4


def main(folder: Path) -> None:
    meta = json.loads((folder / "matrix.json").read_text())
    inputs, classes, seed = meta["inputs"], meta["classes"], meta["seed"]
    # float32 from the start: trees that split on float64 disagree with a runtime that is fed float32.
    rows = numpy.fromfile(folder / "rows.f32", dtype="<f4").reshape(-1, len(inputs))
    labels = numpy.array(meta["labels"])
    weights = numpy.array(meta["weights"])
    splits = numpy.array(meta["splits"])
    train, tune = splits == "train", splits == "tune"

    units = numpy.array(meta["units"])
    curve = learning_curve(rows, labels, weights, units, train, tune, seed, len(classes))
    model = fit_trees(rows, labels, weights, train, tune, seed)
    losses = {
        "trees": loss(model, rows, labels, weights, tune, len(classes)),
        "logistic_regression": loss(fit_linear(rows, labels, weights, train), rows, labels, weights, tune, len(classes)),
    }
    round_thresholds_down(model)
    # Without a name the converter draws one at random, and the same training would give a file of another hash each time.
    exported = convert_lightgbm(model, name="classifier", initial_types=[("features", FloatTensorType([None, len(inputs)]))], zipmap=False, target_opset=15)
    onnx.checker.check_model(exported)
    (folder / "model.onnx").write_bytes(exported.SerializeToString())
    write_parity(folder, model, rows, seed)
    chance = shuffled_top1(rows, labels, weights, train, tune, seed)
    facts = {
        # Trees trained on labels that were dealt out anew; anything well above the larger classes' share would mean a leak.
        "shuffled_labels_tune_top1": round(chance, 4),
        "tune_top1": round(top1(model, rows, labels, weights, tune), 4),
        # What the same trees reach with a part of the units: while the loss still falls, more units are worth more than other trees.
        "learning_curve": curve,
        "rounds": int(model.best_iteration_ or model.n_estimators),
        "tune_log_loss": {name: round(float(value), 5) for name, value in losses.items()},
        "versions": {"lightgbm": lightgbm.__version__, "onnx": onnx.__version__, "scikit-learn": sklearn.__version__},
        "importance": dict(zip(inputs, model.booster_.feature_importance("gain").round(1).tolist(), strict=True)),
    }
    (folder / "training.json").write_text(json.dumps(facts, indent=2))


def fit_trees(rows, labels, weights, train, tune, seed):
    model = LGBMClassifier(
        objective="multiclass" if len(set(labels[train])) > 2 else "binary",
        n_estimators=240,
        learning_rate=0.08,
        num_leaves=12,
        min_child_samples=40,
        min_split_gain=0.01,
        reg_lambda=5.0,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.5,
        max_bin=63,
        random_state=seed,
        deterministic=True,
        force_row_wise=True,
        n_jobs=1,
        verbose=-1,
    )
    return model.fit(
        rows[train],
        labels[train],
        sample_weight=weights[train],
        eval_X=rows[tune],
        eval_y=labels[tune],
        eval_sample_weight=[weights[tune]],
        callbacks=[lightgbm.early_stopping(12, verbose=False)],
    )


def learning_curve(rows, labels, weights, units, train, tune, seed, count):
    """Shares of the units, drawn once, smaller ones within larger ones."""
    names = numpy.random.default_rng(seed).permutation(numpy.unique(units[train]))
    points = []
    for share in (0.125, 0.25, 0.5):
        part = train & numpy.isin(units, names[: int(share * len(names))])
        if len(set(labels[part])) < count:
            continue
        model = fit_trees(rows, labels, weights, part, tune, seed)
        points.append(
            {
                "units": int(share * len(names)),
                "tune_top1": round(top1(model, rows, labels, weights, tune), 4),
                "tune_log_loss": round(float(loss(model, rows, labels, weights, tune, count)), 5),
            }
        )
    return points


def round_thresholds_down(model):
    """Thresholds as float32, downwards: rows are float32, so each goes the same way as before, and in the graph, too, whose thresholds are float32 rounded to the nearest."""

    def rounded(line):
        values = numpy.array(line.removeprefix("threshold=").split(), dtype="float64")
        single = values.astype("float32")
        above = single.astype("float64") > values
        single[above] = numpy.nextafter(single[above], numpy.float32(-numpy.inf))
        return "threshold=" + " ".join(repr(float(value)) for value in single)

    # Without the sizes in bytes, which no longer hold, trees are read one after the other.
    lines = [line for line in model.booster_.model_to_string().split("\n") if not line.startswith("tree_sizes=")]
    text = "\n".join(rounded(line) if line.startswith("threshold=") else line for line in lines)
    model._Booster = lightgbm.Booster(model_str=text)


def fit_linear(rows, labels, weights, train):
    """The plain rival: what a linear model reaches on the same rows."""
    return LogisticRegression(max_iter=60, C=0.3).fit(numpy.clip(rows[train], -8, 8), labels[train], sample_weight=weights[train])


def loss(model, rows, labels, weights, where, count):
    return log_loss(labels[where], model.predict_proba(numpy.clip(rows[where], -8, 8) if isinstance(model, LogisticRegression) else rows[where]), sample_weight=weights[where], labels=range(count))


def shuffled_top1(rows, labels, weights, train, tune, seed):
    dealt = numpy.random.default_rng(seed).permutation(labels[train])
    model = LGBMClassifier(objective="multiclass" if len(set(labels[train])) > 2 else "binary", n_estimators=20, num_leaves=12, random_state=seed, deterministic=True, force_row_wise=True, n_jobs=1, verbose=-1)
    return top1(model.fit(rows[train], dealt), rows, labels, weights, tune)


def top1(model, rows, labels, weights, where):
    """Mean over classes of the share of rows whose first answer is right, so that the largest class alone gives 1 / classes."""
    hits = model.predict(rows[where]) == labels[where]
    of = [labels[where] == label for label in numpy.unique(labels[where])]
    return float(numpy.mean([numpy.average(hits[mine], weights=weights[where][mine]) for mine in of]))


def write_parity(folder, model, rows, seed):
    """Rows of the data, and some far outside of it, with what Python says of them."""
    random = numpy.random.default_rng(seed)
    near = rows[random.choice(len(rows), min(len(rows), PARITY_ROWS - 16), replace=False)]
    far = (random.normal(size=(16, rows.shape[1])) * 8).clip(-25, 25)
    chosen = numpy.concatenate([near, far]).astype("float32").round(3).astype("float32")
    parity = {
        "tolerance": TOLERANCE,
        "rows": [[float(f"{value:.4g}") for value in row] for row in chosen.tolist()],
        "probabilities": [],
    }
    asked = numpy.array(parity["rows"], dtype="float32")
    parity["probabilities"] = [[round(value, 7) for value in row] for row in model.predict_proba(asked).tolist()]
    (folder / "parity.json").write_text(json.dumps(parity, separators=(",", ":")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
