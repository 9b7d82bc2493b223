"""Makes the font files of assets/fonts and assets/icons from the upstream releases.

Usage: python3 subset.py INTER_DIR JETBRAINS_DIR PHOSPHOR_DIR
  INTER_DIR      holds Inter-Regular.otf and Inter-SemiBold.otf
  JETBRAINS_DIR  holds JetBrainsMono-Regular.ttf and JetBrainsMono-Medium.ttf
  PHOSPHOR_DIR   holds regular/Phosphor.ttf, fill/Phosphor-Fill.ttf and regular/style.css
Needs the Python package fonttools. The icon names come from assets/icons/icons.txt, whose code
points are checked against the style sheet, so a new icon is one line there and one in `Icon`.
"""

import pathlib
import re
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = pathlib.Path(__file__).resolve().parent
TEXT = (
    list(range(0x20, 0x7F))
    + list(range(0xA0, 0x180))  # Latin-1, Latin Extended-A
    + [0x218, 0x219, 0x21A, 0x21B]
    + list(range(0x391, 0x3CA))  # Greek, for statistics
    + [0x2002, 0x2003, 0x2009, 0x200A, 0x202F, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014]
    + [0x2018, 0x2019, 0x201A, 0x201C, 0x201D, 0x201E, 0x2020, 0x2022, 0x2026, 0x2030, 0x2032, 0x2033]
    + [0x2070, 0x2074, 0x2075, 0x2076, 0x2077, 0x2078, 0x2079, 0x207A, 0x207B]
    + [0x2080, 0x2081, 0x2082, 0x2083, 0x20AC, 0x2116, 0x2122]
    + [0x2190, 0x2191, 0x2192, 0x2193, 0x2194, 0x2197, 0x2198, 0x21A9, 0x21E7, 0x2318, 0x2325]
    + [0x2202, 0x2206, 0x220F, 0x2211, 0x2212, 0x221A, 0x221E, 0x222B, 0x2248, 0x2260, 0x2264, 0x2265]
    + [0x25A0, 0x25CF, 0x25CB, 0x2713, 0x2715, 0xFFFD]
)
# Kerning and mark placement only: contextual and ligature substitutions would change what a user
# typed ("->", "!=") and where the caret stands.
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl"]


def write(source, target, unicodes, features):
    options = subset.Options()
    options.layout_features = features
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.hinting = False
    options.desubroutinize = True
    font = TTFont(source)
    tool = subset.Subsetter(options)
    tool.populate(unicodes=unicodes)
    tool.subset(font)
    if "glyf" in font:
        # Side bearings must agree with the recomputed boxes, or renderers shift the glyph.
        for name, (advance, _) in list(font["hmtx"].metrics.items()):
            box = font["glyf"][name]
            box.recalcBounds(font["glyf"])
            font["hmtx"][name] = (advance, getattr(box, "xMin", 0) if box.numberOfContours else 0)
    font.save(target)
    print(target.name, target.stat().st_size, "bytes")


def main():
    inter, mono, phosphor = map(pathlib.Path, sys.argv[1:4])
    for weight in ("Regular", "SemiBold"):
        write(inter / f"Inter-{weight}.otf", HERE / f"Inter-{weight}.otf", TEXT, FEATURES)
    for weight in ("Regular", "Medium"):
        write(mono / f"JetBrainsMono-{weight}.ttf", HERE / f"JetBrainsMono-{weight}.ttf", TEXT, FEATURES)
    icons = HERE.parent / "icons"
    rows = [line.split() for line in (icons / "icons.txt").read_text().splitlines() if line.strip()]
    css = (phosphor / "regular" / "style.css").read_text()
    known = dict(re.findall(r"\.ph-([a-z0-9-]+):before \{\s*content: \"\\([0-9a-f]+)\"", css))
    for name, code in rows:
        if known.get(name) != code:
            raise SystemExit(f"icon {name}: icons.txt says {code}, the style sheet {known.get(name)}")
    codes = [int(code, 16) for _, code in rows]
    write(phosphor / "regular" / "Phosphor.ttf", icons / "Phosphor-Regular.ttf", codes, [])
    write(phosphor / "fill" / "Phosphor-Fill.ttf", icons / "Phosphor-Fill.ttf", codes, [])


main()
