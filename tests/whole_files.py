"""
Let the worker of xdist that runs a file collect it, and no other.

By itself each worker collects all ten thousand tests, which takes it seven seconds. With
``-p tests.whole_files`` it collects files only; the tests of one are found when it is run.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.parts import SHARED, paths


class WholeFile(pytest.Item):
    """All tests of a file, as one for xdist."""

    def runtest(self, nextitem: pytest.Item | None = None) -> None:
        """Collect the tests of the file, and run each."""
        session, hook = self.session, self.config.hook
        module = pytest.Module.from_parent(self.parent, path=self.path)
        tests = [*session.genitems(module)]
        hook.pytest_collection_modifyitems(session=session, config=self.config, items=tests)
        # xdist asserts that a report is of the item that it asked for.
        place = session.items.index(self)
        for test, following in zip(tests, [*tests[1:], nextitem], strict=False):
            session.items[place] = test
            hook.pytest_runtest_protocol(item=test, nextitem=following)
        if not tests:  # else the test before would keep what the next file does not share
            session._setupstate.teardown_exact(nextitem)
        # What its tests hold stays: freed during the next file, it would warn in another's name.
        session.items[place], self.tests = self, tests


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> WholeFile | None:
    """Collect the file itself; but its tests if `-k` chooses, or if several workers share them."""
    root = parent.config.rootpath
    if parent.config.option.keyword or module_path in {root / path for path in paths(SHARED)}:
        return None
    nodeid = module_path.relative_to(root).as_posix()
    found: WholeFile = WholeFile.from_parent(
        parent, name=module_path.name, path=module_path, nodeid=nodeid
    )
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not isinstance(item, WholeFile):
        return None
    item.runtest(nextitem)
    return True
