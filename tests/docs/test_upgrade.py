"""docs/howto/upgrade.rst: its commands run in a project."""

from pathlib import Path

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks
from tests.docs.fresh_project import FreshProject, typed
from wx_static_store.emulator import EmulatorServer


@slow
def test_after_the_commands_of_the_page_all_is_well(
    tmp_path: Path, emulator: EmulatorServer
) -> None:
    project = FreshProject(tmp_path / "project")
    project.use(emulator)
    project.append("config/settings.py", 'INSTALLED_APPS += ["wx_static_store.health"]')
    tables, doctor = blocks(DOCS / "howto/upgrade.rst")
    project.run(typed(tables))
    assert "All is well" in project.run(typed(doctor))
