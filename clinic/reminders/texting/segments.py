"""How many parts a text is sent, and paid for, in.

3GPP TS 23.038: 160 characters of seven bits, or 70 of sixteen as soon as one of them is not in the small alphabet;
where there are more, each part gives up the room of seven or three characters to say which part it is.
"""

from collections.abc import Iterable

SMALL_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
# These are in it at the price of two.
OF_TWO = frozenset("\f^{}\\[~]|€")
SMALL_ALONE, SMALL_OF_MANY = 160, 153
WIDE_ALONE, WIDE_OF_MANY = 70, 67


def segments(text: str) -> int:
    """Return in how many parts a text is sent."""
    if is_in_small_alphabet(text):
        return _parts([2 if character in OF_TWO else 1 for character in text], SMALL_ALONE, SMALL_OF_MANY)
    # Sixteen bits each; what lies beyond them, as most pictures do, takes two.
    return _parts([len(character.encode("utf-16-le")) // 2 for character in text], WIDE_ALONE, WIDE_OF_MANY)


def is_in_small_alphabet(text: str) -> bool:
    """Say whether every character fits into seven bits."""
    return set(text) <= SMALL_ALPHABET | OF_TWO


def _parts(sizes: Iterable[int], alone: int, of_many: int) -> int:
    """Fill parts in turn; no character is cut in two."""
    sizes = list(sizes)
    if sum(sizes) <= alone:
        return 1
    parts, filled = 1, 0
    for size in sizes:
        if filled + size > of_many:
            parts, filled = parts + 1, 0
        filled += size
    return parts
