"""What pages say of themselves."""

from tunesmith.client.figures import kinds
from tunesmith.ui.pages._study import TABS


def test_a_tab_reads_of_trials_what_its_figure_needs() -> None:
    needs = {kind.name: kind.whole for kind in kinds()}
    assert {tab.name: tab.whole for tab in TABS.values() if tab.figure} == {
        tab.name: needs[tab.figure] for tab in TABS.values() if tab.figure
    }
