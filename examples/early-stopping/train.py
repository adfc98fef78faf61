"""One trial: trains a network on handwritten digits, reports every epoch, and ends when it is told that it is hopeless.

Parameters come from `tunesmith.params()`; outside of a trial, those below are taken, and reports are printed.
"""

import argparse

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import tunesmith


def main() -> None:
    """Train for some epochs, or until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    epochs = parser.parse_args().epochs

    images, digits = load_digits(return_X_y=True)
    split = train_test_split(images / 16, digits, test_size=0.3, random_state=0, stratify=digits)
    train_x, test_x, train_y, test_y = split

    params = tunesmith.params(units=128, rate=0.01, momentum=0.9, batch=32, alpha=0.0001)
    network = MLPClassifier(
        hidden_layer_sizes=[params["units"], params["units"]],
        solver="sgd",
        learning_rate_init=params["rate"],
        momentum=params["momentum"],
        batch_size=params["batch"],
        alpha=params["alpha"],
        random_state=0,
    )
    for epoch in range(1, epochs + 1):
        network.partial_fit(train_x, train_y, classes=range(10))
        tunesmith.report(epoch, accuracy=network.score(test_x, test_y))
        if tunesmith.should_stop():
            print(f"stopped after {epoch} of {epochs} epochs")
            break


if __name__ == "__main__":
    main()
