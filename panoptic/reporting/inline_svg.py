"""A figure's SVG made fit to stand inside a page, its points telling who they are."""

import re
from collections.abc import Mapping
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_OBJECT = "object:"
# What matplotlib says in a style sheet that would hold for the whole page.
_STROKES = "stroke-linejoin: round; stroke-linecap: butt"

ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", _XLINK)


def inline_svg(svg: bytes, *, prefix: str, notes: Mapping[str, str]) -> str:
    """Return an SVG figure as an element that can share a page with others.

    Parameters
    ----------
    prefix
        put before every id, so that two figures never answer to the same one.
    notes
        by object name: becomes the title of the element `object:<name>`, which
        browsers show on hover. An object without a note shows its name.
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.startswith("{") and not child.tag.startswith(f"{{{_SVG}}}"):
                parent.remove(child)  # editors' and licence metadata
            elif child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    for element in list(root.iter()):
        _name_the_point(element, notes)
        _rename(element, prefix)
    root.set("style", f"{_STROKES}; --drawn: {root.get('width', '504pt')}")
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-caption")
    return ElementTree.tostring(root, encoding="unicode")


def _name_the_point(element: ElementTree.Element, notes: Mapping[str, str]) -> None:
    name = element.get("id", "")
    if name.startswith(_OBJECT):
        title = ElementTree.Element(f"{{{_SVG}}}title")
        known = name.removeprefix(_OBJECT)
        title.text = notes.get(known, known)
        element.insert(0, title)
        element.set("class", "object")


def _rename(element: ElementTree.Element, prefix: str) -> None:
    for key, value in element.attrib.items():
        if key == "id":
            if value.startswith(_OBJECT):
                continue
            element.set(key, f"{prefix}-{value}")
        elif key == f"{{{_XLINK}}}href" and value.startswith("#"):
            element.set(key, f"#{prefix}-{value[1:]}")
        elif "url(#" in value:
            element.set(key, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))
    if element.get("id", "").startswith(_OBJECT):
        del element.attrib["id"]  # one object has a point in many figures
