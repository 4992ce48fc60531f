"""Deploys whose bytes are kept, and the pages of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

from django.test import Client
from django.urls import reverse

from tests.admin.conftest import SITE
from tests.conftest import ENV
from tests.deploys import item
from wx_static_store.core.types import UploadContext
from wx_static_store.deploy.environments import Order, deploy_to_all, site_uploader
from wx_static_store.deploy.records import Records
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment

PAGES = "admin:wx_static_store_deployment_"


def configure_site(configure: Callable[..., Any], folder: Path | None) -> EmulatorServer:
    """Have a store for sites below ``www``, and keep bytes in the folder; without one, none."""
    static = {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"}
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    server: EmulatorServer = configure(
        STORAGES={
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "staticfiles": static,
            "site": static | {"OPTIONS": {"location": "www"}},
            "releases": files | {"OPTIONS": {"location": str(folder)}},
        },
        WX_STATIC_STORE={"BASE_URL": SITE, "RELEASE_STORAGE": "releases" if folder else None},
    )
    return server


def deploy(
    files: dict[str, bytes], label: str = "", *, prefix: str = "", env: str = ENV, **more: Any
) -> Deployment:
    """Publish a tree, as the command does; return the row."""
    items = [item(name, body) for name, body in files.items()]
    order = Order(items, UploadContext("wx_deploy", label), Records("site", prefix), **more)
    (report,) = deploy_to_all([(site_uploader("site", env), order)])
    return Deployment.objects.get(pk=report.report.deployment_id)


def address(page: str, row: Deployment, query: str = "") -> str:
    return reverse(f"{PAGES}{page}", args=[row.pk]) + query


def html_of(client: Client, page: str, row: Deployment, query: str = "") -> str:
    answer = client.get(address(page, row, query))
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def texts(html: str, pattern: str) -> list[str]:
    """Return what a reader sees of each part of a page that the pattern captures."""
    found = re.findall(pattern, html, re.DOTALL)
    return [" ".join(unescape(re.sub("<[^>]*>", " ", part)).split()) for part in found]


def counts(html: str) -> list[str]:
    (part,) = re.findall(r'<ul class="wx-counts">(.*?)</ul>', html, re.DOTALL)
    return texts(part, r"<li[^>]*>(.*?)</li>")
