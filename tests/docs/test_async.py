"""docs/howto/async.rst: its view saves the files of a request, at the environment of its tenant."""

import asyncio
import json
import sys
from types import ModuleType
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from tests.conftest import ENV
from tests.docs.fresh_project import block

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "tenant-b"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `module(name)`: the block of this name as a module, which a dotted path may name."""

    def load(name: str) -> ModuleType:
        found = block("howto/async", name)
        module = ModuleType(found.caption.removesuffix(".py").replace("/", "."))
        exec(found.text, module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    return load


def test_the_view_saves_each_file_at_the_environment_of_the_tenant(
    module: Any, configure: Any
) -> None:
    tenants, views = module("tenant"), module("view")
    cloud = configure(WX_STATIC_STORE={"ENV": "tenants.current.env"})

    async def ask() -> Any:
        tenants.current_env.set(OTHER)
        files = [SimpleUploadedFile(f"{number}.txt", b"tea") for number in range(3)]
        return await views.upload(RequestFactory().post("/", {"file": files}))

    names = json.loads(asyncio.run(ask()).content)["names"]
    assert names == ["0.txt", "1.txt", "2.txt"]
    assert ([*cloud.objects(ENV)], sorted(cloud.objects(OTHER))) == ([], names)
