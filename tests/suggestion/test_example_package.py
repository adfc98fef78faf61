"""The conformance suite over the example of a third party's algorithm, installed as pip installs it."""

import importlib
import sys
from collections.abc import Iterator

import pytest
from tests.house import ROOT
from tests.packages import pip_install
from tests.suggestion import studies
from tests.suggestion.conformance import Conformance

from tunesmith.suggestion import load_registry


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the registry find it."""
    target = tmp_path_factory.mktemp("third-party") / "packages"
    pip_install(ROOT / "examples" / "algorithm-package", target)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(target)
        patch.setattr(studies, "REGISTRY", load_registry())
        yield
    sys.modules.pop("annealing", None)
    importlib.invalidate_caches()


@pytest.mark.parametrize("name", ["annealing"])
class TestExample(Conformance):
    """See `conformance.py`."""
