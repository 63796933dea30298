"""Looks at every page of a built site: each link and anchor leads somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("video", "src"), ("source", "src")}
FOLLOWED = {("a", "href")}


class Page(HTMLParser):
    """The links, loaded files and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        for name, value in attrs:
            if (tag, name) in FOLLOWED and value:
                self.links.append(value)
            foreign = tag == "link" and named.get("rel") in ("canonical", "author")
            if (tag, name) in LOADED and value and not foreign:
                self.loaded.append(value)
            if name in ("id", "name") and value:
                self.anchors.add(value)


def troubles(site: Path) -> list[str]:
    """What is wrong with the pages below a folder, a sentence each."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        foreign = [each for each in page.loaded if urlsplit(each).scheme in ("http", "https") or each.startswith("//")]
        found += [f"{name} loads {target} from elsewhere" for target in foreign]
        for target in [*page.links, *page.loaded]:
            parts = urlsplit(target)
            if parts.scheme or target.startswith("//"):
                continue
            if target.startswith("/"):
                found.append(f"{name} -> {target} does not work from a file")
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not there.is_file():
                found.append(f"{name} -> {target} leads nowhere")
            elif parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].anchors:
                found.append(f"{name} -> {target}: there is no such place on that page")
    for path in sorted(site.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        foreign = re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\s\"')]+)", text)
        found += [f"{path.relative_to(site)} loads {target} from elsewhere" for target in foreign]
    return found


def main() -> int:
    """Print what is wrong; exit code 1 if anything is."""
    site = Path(sys.argv[1])
    found = troubles(site)
    for sentence in found[:50]:
        print(sentence, file=sys.stderr)
    count = len(list(site.rglob("*.html")))
    print(f"{count} pages, {len(found)} dead links or foreign files.")
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main())
