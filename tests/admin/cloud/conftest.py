"""Who looks at the files of which cloud."""

import pytest
from django.test import Client

from tests.admin.conftest import Editor
from wx_static_store.emulator import EmulatorServer


@pytest.fixture
def cloud(admin_site: EmulatorServer) -> EmulatorServer:
    return admin_site


@pytest.fixture
def viewer(cloud: EmulatorServer, editor: Editor) -> Client:
    return editor("view_uploadlog")
