"""One trial: fits a support vector classifier to handwritten digits and prints how good it is.

It runs on its own as well: python train.py --C=1 --kernel=rbf --gamma=0.02
"""

import argparse
import time

from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, hinge_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC


def main() -> None:
    """Fit, and print the metrics as name=value."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--C", type=float, required=True)
    parser.add_argument("--kernel", required=True)
    # Left out by Tunesmith where the kernel has no use for them.
    parser.add_argument("--gamma", type=float, default=0.01)
    parser.add_argument("--degree", type=int, default=3)
    parser.add_argument("--scale", choices=["true", "false"], default="true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    images, digits = load_digits(return_X_y=True)
    split = train_test_split(images / 16, digits, test_size=0.3, random_state=0, stratify=digits)
    train_x, test_x, train_y, test_y = split

    began = time.perf_counter()
    classifier = SVC(C=args.C, kernel=args.kernel, gamma=args.gamma, degree=args.degree, random_state=args.seed)
    model = make_pipeline(StandardScaler() if args.scale == "true" else FunctionTransformer(), classifier)
    model.fit(train_x, train_y)
    seconds = time.perf_counter() - began

    accuracy = accuracy_score(test_y, model.predict(test_x))
    loss = hinge_loss(test_y, model.decision_function(test_x))
    print(f"accuracy={accuracy:.5f} hinge-loss={loss:.5f} fit-seconds={seconds:.4f}")


if __name__ == "__main__":
    main()
