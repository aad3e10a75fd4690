"""Hooks of mkdocs: the first page is README.md, and links to files outside of
docs/ become their paths, because those files are not pages of the site."""

import os
import re

from mkdocs.structure.files import File

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files, config):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        text = f.read()
    # README.md is one folder higher than the pages.
    text = re.sub(r'((?:src|srcset)=")docs/', r"\1", text)
    text = LINK.sub(lambda m: f"{m[1]}[{m[2]}]({inside(m[3])})", text)
    files.append(File.generated(config, "index.md", content=text))
    return files


def inside(target):
    if "://" in target or target.startswith("#"):
        return target
    return target[5:] if target.startswith("docs/") else "../" + target


def on_page_markdown(markdown, page, config, files):
    here = os.path.dirname(page.file.src_uri)

    def path(m):
        target = m[3].split("#")[0]
        if "://" in target or not target:
            return m[0]
        where = os.path.normpath(os.path.join(here, target))
        if not where.startswith(".."):
            return m[0]
        where = where[3:]
        if not os.path.exists(os.path.join(ROOT, where)):
            raise ValueError(f"{page.file.src_uri} links to {where}, which is not there")
        name = m[2].strip("`")
        return f"`{where}`" if name in where else f"{m[2]} (`{where}`)"

    return LINK.sub(path, markdown)
