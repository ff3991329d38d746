"""The two fonts of the figures: DejaVu Sans, cut to the characters that figures use.

python tools/build_fonts.py

Writes panoptic/figures/fonts/*.ttf from the fonts that come with matplotlib. A PDF
embeds the characters it shows; to find them, 6000 others with all their tables were
taken apart for each figure, which took longer than drawing it.
"""

from pathlib import Path

import matplotlib
from fontTools import subset
from fontTools.ttLib import TTFont

SOURCE = Path(matplotlib.get_data_path(), "fonts", "ttf")
FONTS = Path(__file__).parent.parent / "panoptic" / "figures" / "fonts"
# DejaVu's licence allows changed copies (the notice stays inside); a name of its own
# keeps them apart from the whole fonts.
FAMILY = "Panoptic Sans"
FACES = {"DejaVuSans": "Regular", "DejaVuSans-Oblique": "Oblique"}
# Entries of the OpenType `name` table
FAMILY_NAME, UNIQUE_NAME, FULL_NAME, POSTSCRIPT_NAME, PREFERRED_FAMILY = 1, 3, 4, 6, 16

CHARACTERS = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),  # Latin-1 and Latin Extended-A: names
    *range(0x391, 0x3CA),  # Greek
    *range(0x2010, 0x2028),  # dashes, quotation marks, ellipsis
    *range(0x2070, 0x209D),  # superscripts and subscripts
    *range(0x2190, 0x2194),  # arrows
    *(ord(sign) for sign in "\u2202\u2206\u2211\u2212\u2215\u2217\u221a\u221d\u221e"),
    *(ord(sign) for sign in "\u223c\u2243\u2248\u2260\u2264\u2265\u226a\u226b\u22c5"),
    *(ord(sign) for sign in "\u2032\u2033\u2295\u2299\u2609"),
)


def cut(source: Path, style: str) -> TTFont:
    """Return a font with the characters of figures only, under a name of its own."""
    options = subset.Options()
    options.layout_features = ["kern"]
    options.name_IDs = ["*"]
    options.notdef_outline = options.glyph_names = True
    options.recalc_timestamp = False
    options.drop_tables += ["FFTM", "GSUB", "MATH"]  # ligatures, formulas of Word
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=CHARACTERS)
    subsetter.subset(font)
    names = {
        FAMILY_NAME: FAMILY,
        PREFERRED_FAMILY: FAMILY,
        UNIQUE_NAME: f"{FAMILY} {style}",
        FULL_NAME: f"{FAMILY} {style}",
        POSTSCRIPT_NAME: f"{FAMILY.replace(' ', '')}-{style}",
    }
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    return font


if __name__ == "__main__":
    for name, style in FACES.items():
        font = cut(SOURCE / f"{name}.ttf", style)
        font.save(FONTS / f"{FAMILY.replace(' ', '')}-{style}.ttf")
