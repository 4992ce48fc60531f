"""The threads of async saves: a fork has its own, and none keeps a process from its end."""

from tests.conftest import slow
from tests.processes.conftest import Project
from tests.waiting import PATIENCE

pytestmark = slow

SETUP = """
import asyncio, os, warnings
import django
django.setup()
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connections

def save(name):
    return storages["replacing"].asave(name, ContentFile(b"tea"))
"""
FORK = (
    SETUP
    + """
async def save_all(*names):
    await asyncio.wait_for(asyncio.gather(*map(save, names)), 20)

asyncio.run(save_all("a.txt", "b.txt"))
connections.close_all()
warnings.simplefilter("ignore")  # newer Pythons warn of a fork beside threads
if not os.fork():
    asyncio.run(save_all("c.txt"))
    os._exit(0)
os.wait()
"""
)
END = (
    SETUP
    + """
async def give_up():
    try:
        await asyncio.wait_for(save("a.txt"), 1)
    except TimeoutError:
        print("over")

asyncio.run(give_up())
"""
)


def test_a_fork_of_a_process_that_saved_saves_too(project: Project) -> None:
    project.options = {"MAX_WORKERS": 2}  # both at work before the fork
    with project.process("-c", FORK) as process:
        code, output = process.finish()
    assert code == 0, output
    assert {*project.cloud.objects()} == {"a.txt", "b.txt", "c.txt"}


def test_a_save_that_hangs_does_not_keep_the_process(project: Project) -> None:
    project.cloud.script({"on": "staticuploadfile", "do": "hang", "seconds": PATIENCE})
    with project.process("-c", END) as process:
        code, output = process.finish()
    assert (code, "over" in output) == (0, True)
