"""Comment on the pull request with the address of the preview."""

import json
import os
from pathlib import Path
from urllib.request import Request, urlopen

url = json.loads(Path("deploy.json").read_text(encoding="utf-8"))["url"]
body = {"body": f"Preview: {url}"}
headers = {"Content-Type": "application/json"}
if number := os.environ.get("CNB_PULL_REQUEST_IID"):
    api = f"{os.environ['CNB_API_ENDPOINT']}/{os.environ['CNB_REPO_SLUG']}/-"
    headers["Authorization"] = f"Bearer {os.environ['CNB_TOKEN']}"
    headers["Accept"] = "application/vnd.cnb.api+json"
else:
    number = os.environ["GITEE_PULL_ID"]
    api = f"https://gitee.com/api/v5/repos/{os.environ['OWNER_AND_REPOSITORY']}"
    body["access_token"] = os.environ["GITEE_ACCESS_TOKEN"]
request = Request(f"{api}/pulls/{number}/comments", json.dumps(body).encode(), headers)
urlopen(request, timeout=30).close()
