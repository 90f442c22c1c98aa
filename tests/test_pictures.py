"""The pictures of the studio that the documents show: each can be taken again, and is small."""

from pathlib import Path

import studio_pictures

IMAGES = Path(__file__).parents[1] / "docs" / "images"
COLOUR_TYPE, PALETTE = 25, 3


def test_each_picture_has_a_way_to_take_it_again():
    there = {path.name for path in IMAGES.glob("studio-*.png")}
    known = {
        f"studio-{picture.name}-{scheme}.png" for picture in studio_pictures.PICTURES for scheme in picture.schemes
    }
    assert there <= known


def test_pictures_are_small():
    for path in IMAGES.glob("studio-*.png"):
        content = path.read_bytes()
        assert len(content) <= studio_pictures.LARGEST, path.name
        assert content[COLOUR_TYPE] == PALETTE, f"{path.name} has no palette"
