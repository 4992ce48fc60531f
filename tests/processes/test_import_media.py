"""An import that is killed, by a real SIGKILL: the next one ends it, and sends nothing twice."""

import signal
from typing import Any

import pytest

from tests.conftest import slow
from tests.processes.conftest import Project

pytestmark = slow

IMPORT = ("-m", "django", "wx_import_media", "old", "--yes")
FILES = {f"{number}.txt": b"%d" % number for number in range(8)} | {"big.txt": b"x" * 600_000}
POINTS = ["before_link", "after_link", "mid_body", "reply_received", "in_insert"]


@pytest.mark.parametrize("point", POINTS)
def test_the_next_import_ends_what_a_killed_one_began(project: Project, point: str) -> None:
    project.write(FILES)
    with project.process(*IMPORT, halt=point) as process:
        process.wait_until_halted()
        process.popen.send_signal(signal.SIGKILL)
        process.finish()
    assert run(project)[0] == 0
    assert (project.stored(), project.false_rows()) == (FILES, set())
    before = len(project.cloud.calls("put_object"))
    code, said = run(project)
    assert (code, f"unchanged {len(FILES)}" in said) == (0, True)
    assert len(project.cloud.calls("put_object")) == before


def run(project: Project) -> Any:
    return project.run(*IMPORT[2:])
