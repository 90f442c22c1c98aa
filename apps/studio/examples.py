"""Reviews to try, written for this project, each with an edit that makes a difference."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A text, and a second version of it."""

    title: str
    text: str
    edited: str


EXAMPLES = (
    Example(
        "A warm review",
        "I went in expecting very little and came out smiling. The story is simple, but the two leads are wonderful "
        "together, the dialogue is sharp, and the last scene is quietly moving. Easily one of the best films I have "
        "seen this year.",
        "I went in expecting a lot and came out annoyed. The story is simple, and the two leads are wooden "
        "together, the dialogue is dull, and the last scene is strangely empty. Easily one of the worst films I have "
        "seen this year.",
    ),
    Example(
        "A cold one",
        "Two hours of my life that I will never get back. The plot makes no sense, the jokes are painfully "
        "unfunny, and even the music is boring. I kept waiting for it to get better, and it only got worse. Avoid.",
        "Two hours of my life that flew by. The plot makes no sense, the jokes are surprisingly "
        "funny, and even the music is fun. I kept waiting for it to get worse, and it only got better. Recommended.",
    ),
    Example(
        "Praise that turns",
        "Beautiful photography, a great cast and a director with a fine reputation: on paper this should have been a "
        "masterpiece. Instead it is a slow, lifeless mess that wastes everyone in it.",
        "Beautiful photography, a great cast and a director with a fine reputation: on paper this should have been a "
        "masterpiece. And it is a slow, tender film that honours everyone in it.",
    ),
    Example(
        "One small word",
        "The acting is good and I would recommend it to my friends.",
        "The acting is not good and I would not recommend it to my friends.",
    ),
    Example(
        "Mixed feelings",
        "The first half is slow and the effects look cheap, yet I was never bored. It has heart, a clever idea and an "
        "ending I did not see coming. Not perfect, but worth your time.",
        "The first half is slow and the effects look cheap, and I was soon bored. It has one clever idea and an "
        "ending anybody can see coming. Not terrible, but not worth your time.",
    ),
)
