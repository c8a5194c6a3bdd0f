"""Fits a scikit-learn model of Fisher's irises, which are part of scikit-learn, and writes it to the given file."""

import sys

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

features, species = load_iris(return_X_y=True)
joblib.dump(LogisticRegression(max_iter=1_000).fit(features, species), sys.argv[1])
