"""Small trainings of scikit-learn, epoch by epoch: what the learning curves of `curves.py` are made of.

A model is a function of a data set and a configuration that yields the predictions for the validation part after each
epoch. Adding a model is adding it to MODELS; adding data is adding it to DATA. All seeds are fixed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

EPOCHS = 81
WORST = 20.0
"""Losses beyond it, and those of networks that went to infinity, count as so much."""

Array = NDArray[np.float64]
Config = Mapping[str, Any]


@dataclass(frozen=True)
class Data:
    """Scaled inputs and targets, for training and for validation. `error`: judged by wrong answers, not by log loss."""

    x: Array
    y: NDArray[Any]
    x_valid: Array
    y_valid: NDArray[Any]
    classes: NDArray[Any] | None
    error: bool = False

    def loss(self, predicted: Array) -> float:
        """Share of wrong answers, log loss, or squared error as a part of the targets' variance."""
        if not np.isfinite(predicted).all():
            return WORST
        if self.classes is None:
            return min(float(np.mean((predicted - self.y_valid) ** 2)), WORST)
        if self.error:
            return float(np.mean(self.classes[predicted.argmax(1)] != self.y_valid))
        right = predicted[np.arange(len(predicted)), np.searchsorted(self.classes, self.y_valid)]
        return min(float(-np.log(np.maximum(right, 1e-9)).mean()), WORST)


def split(x: Array, y: NDArray[Any], train: int, error: bool = False, regression: bool = False) -> Data:
    """Of a fixed shuffle the first rows are for training, and set the scale; 1,000 more at most are for validation."""
    order = np.random.default_rng(0).permutation(len(x))
    fit, judge = order[:train], order[train : train + 1000]
    x = (x - x[fit].mean(0)) / (x[fit].std(0) + 1e-9)
    if regression:
        y = (y - y[fit].mean()) / y[fit].std()
    return Data(x[fit], y[fit], x[judge], y[judge], None if regression else np.unique(y), error)


@cache
def load(name: str) -> Data:
    """A data set of DATA."""
    return DATA[name]()


def _bundled(name: str, train: int, **how: Any) -> Data:
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return split(x, y, train, **how)


def _made(name: str, train: int, regression: bool = False, **how: Any) -> Data:
    from sklearn import datasets

    x, y = getattr(datasets, f"make_{name}")(n_samples=train + 1000, random_state=0, **how)
    return split(x, y, train, error=not regression, regression=regression)


DATA: dict[str, Callable[[], Data]] = {
    "digits": partial(_bundled, "digits", 500, error=True),
    "cancer": partial(_bundled, "breast_cancer", 250),
    "wine": partial(_bundled, "wine", 80),
    "diabetes": partial(_bundled, "diabetes", 250, regression=True),
    "clusters": partial(
        _made, "classification", 500, n_features=15, n_informative=6, n_classes=4, n_clusters_per_class=2, flip_y=0.05
    ),
    "friedman": partial(_made, "friedman1", 300, regression=True, noise=1.0),
    "linear": partial(_made, "regression", 150, regression=True, n_features=60, n_informative=12, noise=40.0),
}


def mlp(data: Data, config: Config) -> Iterator[Array]:
    """A network of one hidden layer, trained with Adam; an epoch is one pass over the data."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    model = (MLPRegressor if data.classes is None else MLPClassifier)(
        hidden_layer_sizes=(config["width"],),
        activation=config["activation"],
        alpha=config["alpha"],
        batch_size=config["batch"],
        learning_rate_init=config["rate"],
        random_state=0,
    )
    return _passes(model, data)


def sgd(data: Data, config: Config) -> Iterator[Array]:
    """A linear model by stochastic gradient descent; an epoch is one pass over the data."""
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    common = {
        "alpha": config["alpha"],
        "eta0": config["rate"],
        "penalty": config["penalty"],
        "learning_rate": config["schedule"],
        "average": config["average"],
        "random_state": 0,
    }
    model = SGDRegressor(**common) if data.classes is None else SGDClassifier(loss="log_loss", **common)
    return _passes(model, data)


def _passes(model: Any, data: Data) -> Iterator[Array]:
    predict = model.predict if data.classes is None else model.predict_proba
    first = {} if data.classes is None else {"classes": data.classes}
    order = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        rows = order.permutation(len(data.x))
        model.partial_fit(data.x[rows], data.y[rows], **({} if epoch else first))
        yield predict(data.x_valid)


def boosting(data: Data, config: Config) -> Iterator[Array]:
    """Gradient boosting; an epoch is three more stages."""
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    model = (GradientBoostingRegressor if data.classes is None else GradientBoostingClassifier)(
        n_estimators=3 * EPOCHS,
        learning_rate=config["rate"],
        max_depth=config["depth"],
        subsample=config["subsample"],
        max_features=config["features"],
        min_samples_leaf=config["leaf"],
        random_state=0,
    )
    model.fit(data.x, data.y)
    staged = model.staged_predict if data.classes is None else model.staged_predict_proba
    return (predicted for stage, predicted in enumerate(staged(data.x_valid)) if stage % 3 == 2)


Model = Callable[[Data, Config], Iterator[Array]]
MODELS: dict[str, Model] = {"mlp": mlp, "sgd": sgd, "boosting": boosting}


def curve(model: str, data: str, config: Config) -> Array:
    """Validation loss after each epoch, (EPOCHS,)."""
    import warnings

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of configurations that overflow: they are told by their loss
        held = load(data)
        try:
            losses = [held.loss(predicted) for predicted in MODELS[model](held, config)]
        except ValueError:  # scikit-learn refuses to go on with weights that are not finite
            losses = []
    return np.array(losses + [WORST] * (EPOCHS - len(losses)))
