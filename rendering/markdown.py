"""Markdown as HTML that is safe to show."""

from urllib.parse import urlsplit

from markdown_it import MarkdownIt

_LINKS = ("http", "https", "mailto")
_NESTING = 20
"""Lists in quotes in lists: what is nested more deeply is left out of the layout."""


def html(body: str) -> str:
    """Return the body as an HTML fragment that is safe to show: no raw HTML, no images, only web and mail links."""
    # An image would be fetched by whoever reads the mail, from wherever its writer wants. Line ends stay line ends.
    options = {"html": False, "breaks": True, "maxNesting": _NESTING}
    markdown = MarkdownIt("commonmark", options).enable("table").disable("image")
    markdown.validateLink = _is_link  # type: ignore[method-assign]
    return str(markdown.render(body))


def _is_link(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.lower() in _LINKS
    except ValueError:
        return False
