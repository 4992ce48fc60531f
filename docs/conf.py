"""Build the documentation: ``make docs``. Pages are English; docs/locale has their Chinese."""

import os
import sys
from pathlib import Path

import django

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]  # the extensions; the settings below
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from wx_static_store import __version__  # noqa: E402 - the apps are ready now

project = "wx_static_store"
author = copyright = "the authors of wx_static_store"
release = version = __version__

extensions = [
    "sphinx_copybutton",
    "sphinx_llm.txt",
    "from_code.directive",
    "sequence",
    "chinese_search",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
nitpicky = True
highlight_language = "none"
smartquotes = False
numfig = False

locale_dirs = ["locale"]
gettext_compact = False  # a catalogue for each page
gettext_location = False
gettext_uuid = False
gettext_additional_targets = ["index"]

html_theme = "furo"
html_title = "wx_static_store"
html_static_path = ["_static"]
html_css_files = ["docs.css"]
# The search shows a page first for the words of its `index` directive.
html_search_scorer = str(DOCS / "search_scorer.js")
html_copy_source = False
html_extra_path = ["SKILL.md"]  # beside llms.txt
html_show_sphinx = False
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/languages.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
# The switch of languages: folder of the build, name in its own language, language of the page.
html_context = {"languages": [("en", "English", "en"), ("zh", "中文", "zh_CN")]}

copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

llms_txt_description = "Publish files to WeChat CloudBase static hosting with Django"
