"""A search space with something of everything."""

from tunesmith.study import (
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Distribution,
    DoubleDomain,
    IntDomain,
    Parameter,
    SearchSpace,
)

KERNEL = Parameter("kernel", CategoricalDomain(("rbf", "poly", "linear")))
SVC = SearchSpace(
    (
        Parameter("C", DoubleDomain(0.01, 100, Distribution.LOG_UNIFORM)),
        KERNEL,
        Parameter("gamma", DoubleDomain(1e-5, 1, Distribution.LOG_UNIFORM), (Condition("kernel", ("rbf", "poly")),)),
        Parameter("degree", IntDomain(2, 5), (Condition("kernel", ("poly",)),), default=3),
        Parameter("batch", DiscreteDomain((32, 64, 128))),
    ),
    ("params.C * params.batch <= 6400.0",),
)
