"""A deploy that sends gzip is killed, by a real SIGKILL: the next one ends it."""

import gzip
import signal

import pytest

from tests.conftest import slow
from tests.processes.conftest import Project

pytestmark = slow

COLLECT = ("-m", "django", "collectstatic", "--noinput")
FILES = {f"{number}.css": b"p { color: green } /* %d */" % number * 200 for number in range(8)}
FILES |= {"big.bin": b"x" * 600_000}
POINTS = ["before_link", "mid_body", "reply_received", "rows_written", "in_manifest"]


@pytest.mark.parametrize("point", POINTS)
def test_the_next_deploy_ends_what_a_killed_one_began(project: Project, point: str) -> None:
    project.options["COMPRESS"] = "gzip"
    project.write(FILES)
    with project.process(*COLLECT, halt=point) as process:
        process.wait_until_halted()
        process.popen.send_signal(signal.SIGKILL)
        process.finish()
    for _ in range(2):
        before = len(project.cloud.calls("put_object"))
        code, output = project.run(*COLLECT[2:])
        assert code == 0, output
    assert len(project.cloud.calls("put_object")) == before
    assert (plain(project), project.false_rows()) == (project.collected(), set())


def plain(project: Project) -> dict[str, bytes]:
    """Return what visitors get; the texts are stored as gzip."""
    found = project.cloud.objects().items()
    packed = {key for key, each in found if each.headers.get("Content-Encoding") == "gzip"}
    assert packed == {key for key, _each in found if key.endswith(".css")}
    return {
        key.removeprefix("static/"): gzip.decompress(each.body) if key in packed else each.body
        for key, each in found
    }
