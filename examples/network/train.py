"""One trial: trains a network on handwritten digits, epoch by epoch, and reports each one.

Parameters come from `tunesmith.params()`. The network is saved after every epoch, so that a trial that is tried again
goes on where its last attempt was.
"""

import argparse
import pickle
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import tunesmith


def main() -> None:
    """Train for some epochs, or until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=15)
    epochs = parser.parse_args().epochs

    images, digits = load_digits(return_X_y=True)
    split = train_test_split(images / 16, digits, test_size=0.3, random_state=0, stratify=digits)
    train_x, test_x, train_y, test_y = split

    saved = Path(tunesmith.checkpoint_dir()) / "network.pickle"
    epoch, network = pickle.loads(saved.read_bytes()) if saved.exists() else (0, new_network(tunesmith.params()))
    while epoch < epochs and not tunesmith.should_stop():
        network.partial_fit(train_x, train_y, classes=range(10))
        epoch += 1
        accuracy = network.score(test_x, test_y)
        loss = log_loss(test_y, network.predict_proba(test_x))
        tunesmith.report(step=epoch, accuracy=accuracy, loss=loss)
        print(f"epoch {epoch}: accuracy {accuracy:.4f}, loss {loss:.4f}", flush=True)
        partial = saved.with_suffix(".partial")
        partial.write_bytes(pickle.dumps((epoch, network)))
        partial.replace(saved)


def new_network(params: dict[str, float | int | str | bool]) -> MLPClassifier:
    """The network that the parameters describe."""
    sizes = [params["units"]]
    if "second-units" in params:  # active only with two layers
        sizes.append(params["second-units"])
    return MLPClassifier(
        hidden_layer_sizes=sizes,
        learning_rate_init=params["learning-rate"],
        batch_size=params["batch"],
        alpha=params["alpha"],
        random_state=0,
    )


if __name__ == "__main__":
    main()
