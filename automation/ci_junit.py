"""Write deploy-junit.xml from deploy.json: one test case for each environment."""

import json
from pathlib import Path
from xml.etree import ElementTree

report = json.loads(Path("deploy.json").read_text(encoding="utf-8"))
suite = ElementTree.Element("testsuite", name="wx_deploy")
for environment in report["environments"]:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=report["using"],
        name=environment["env"],
        time=str(environment["seconds"]),
    )
    if environment["outcome"] != "done":
        wrong = [environment["error"]]
        for one in environment["failures"]:
            why = f"{one['message']} ({one['errcode'] or one['stage']}). {one['hint']}"
            wrong.append(f"{one['name']}: {why}")
        wrong += [f"{one['key']}: {one['what']}" for one in environment["findings"]]
        failure = ElementTree.SubElement(case, "failure", message=environment["outcome"])
        failure.text = "\n".join(filter(None, wrong))
ElementTree.ElementTree(suite).write("deploy-junit.xml", encoding="utf-8")
