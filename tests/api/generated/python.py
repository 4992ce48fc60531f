"""The client that openapi-python-client makes: an upload by a form, and one by PUT."""

import base64
import os
from io import BytesIO

from tea_house_client import AuthenticatedClient
from tea_house_client.api.wx_static_store import wx_uploads_create, wx_uploads_put
from tea_house_client.models import WxForm, WxProblem, WxUploaded
from tea_house_client.types import File

PNG = base64.b64decode(os.environ["PNG"])


def file() -> File:
    return File(BytesIO(PNG), "form.png", "image/png")


# A code that is added within a version is read.
later = WxProblem.from_dict({"title": "", "status": 400, "code": "later", "detail": ""})
assert later.code == "later"

client = AuthenticatedClient(os.environ["SITE"], os.environ["TOKEN"], prefix="Token")
body = WxForm(file(), store="default", path="uploads/form.png")
for answer in (
    wx_uploads_create.sync(client=client, body=body),
    wx_uploads_put.sync("default", "uploads/put.png", client=client, body=file()),
):
    assert isinstance(answer, WxUploaded), answer
    print(answer.status.value, answer.key)  # noqa: T201 -- the test reads it
