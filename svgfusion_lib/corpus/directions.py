"""Mirrored and turned icons that are true pictures of another name, or of their own.

`arrow left` mirrored is an arrow right, `cat` mirrored is a cat, and a mirrored clock, letter or `wifi off` (whose
slash would lean the other way) is wrong. What may be moved, the name says: its words are looked up in the tables here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from svgfusion_lib.corpus.captions import words_of
from svgfusion_lib.corpus.records import Record
from svgfusion_lib.utils.placement import mirror, quarter_turn

MOVES = ("mirror", "flip", "turn")  # x -> -x; y -> -y; a quarter turn clockwise
_LEFT_RIGHT = (
    ("left", "right"), ("leftward", "rightward"), ("leftwards", "rightwards"), ("west", "east"),
    ("northwest", "northeast"), ("southwest", "southeast"),
)
_UP_DOWN = (
    ("up", "down"), ("upward", "downward"), ("upwards", "downwards"), ("top", "bottom"), ("north", "south"),
    ("northwest", "southwest"), ("northeast", "southeast"), ("upper", "lower"), ("above", "below"),
)
_TURNS = (
    ("top", "right", "bottom", "left"), ("up", "right", "down", "left"),  # the last one says what becomes of left
    ("upwards", "rightwards", "downwards", "leftwards"), ("north", "east", "south", "west"),
    ("northeast", "southeast", "southwest", "northwest"), ("vertical", "horizontal"), ("vertically", "horizontally"),
)
# Names of these words alone may be turned upside down and by quarters: they show nothing but directions.
_ARROWS = frozenset(
    "arrow arrows chevron chevrons caret carets angle angles circle square double triple big small thick narrow "
    "long dashed dotted bar bars move rounded round hexagon octagon guide wave compact badge box pentagon rectangle "
    "triangle half".split()
)
# Words of names that are wrong in a mirror, or not certain to be right.
_HANDED = frozenset(
    "title centimeter blocked block ban forbidden forbid prohibited prohibition cancel cancelled quit bluetooth "
    "parking priority aperture option inequality summation parabola hyperbole sine cosine tangent logic complex "
    "symbol ampersand ampersands pilcrow section case sensitive format formatting creative commons copyleft token "
    "riyal manat baht lari georgian peso dirham taka naira chinese english french korean thai hebrew decimal "
    "decimals rating age score scoreboard podium subtitle subtitles caption captions transcript lyrics script "
    "scripts vocabulary dictionary word excel powerpoint onenote outlook analysis statistic stat reverse skew vip "
    "wav rar jsx xsl raw tac ux uv xxx esc hdr quora weixin wechat taobao bytedance alipay yelp mark marks symbols "
    "zzz ticket tickets on soon approve zero one two three four five six seven eight nine ten twelve sixteen "
    "hundred congruent approximately tilde fx celsius fahrenheit degree order ordered list state equal equals "
    "greater less pharmacy roman clock clocks time timer timezone timeline watch stopwatch hour hours hourglass "
    "alarm history schedule calendar date day week month year event oclock thirty undo redo rotate rotated rotation "
    "rotating clockwise counterclockwise anticlockwise cw ccw turn turns forward forwards backward backwards back "
    "next previous prev first last rewind skip fast slow play player playlist replay reply send share export import "
    "login logout log sign enter exit in out outbound inbound output input start end begin finish return refresh "
    "sync synchronize reload repeat loop cycle recycle recycling recurring restore reset update transfer exchange "
    "swap shuffle spiral swirl hurricane tornado cyclone dizzy gauge speedometer dashboard progress loader loading "
    "spinner battery off slash slashed no non disabled none percent percentage discount check checks checked "
    "checkmark checklist checkup checkbox tick done todo task tasks verified success validation approved passed "
    "text texts letter letters alphabet abc font fonts type typography bold italic underline underlined "
    "strikethrough heading paragraph quote quotes blockquote code coding terminal console command prompt keyboard "
    "language languages translate translation number numbers numeric numeral digit digits hash hashtag math "
    "function variable formula sum sigma pi omega alpha beta gamma delta lambda epsilon root radical integral "
    "infinity binary regex question help faq info information copyright registered trademark license currency "
    "dollar euro pound yen yuan rupee ruble rubles lira franc won bitcoin coin coins cash money banknote bank bill "
    "invoice receipt price tax paid wallet ethereum litecoin crypto blockchain document documents file files doc "
    "pdf csv html css js ts xml json zip sql svg png jpg jpeg gif mp3 mp4 txt ppt xls docx newspaper news article "
    "note notes book notebook bookmark certificate diploma ad ads ai ar vr tv hd sd uhd gps api nfc sim usb hdmi cc "
    "id www http https url seo cpu gpu ram ssd hdd vpn dna button buttons keycap japanese ideograph blood latin atm "
    "sos ok vs cool free new up! wc medal place flag flags subscript superscript spellcheck ligature sort sorting "
    "ascending descending indent outdent zodiac aries taurus gemini cancer leo virgo libra scorpio sagittarius "
    "capricorn aquarius pisces ophiuchus music musical melody treble clef dice die domino card cards mahjong joker "
    "chess barcode qr qrcode chart charts graph graphs analytics statistics stats trend trending growth increase "
    "increasing decrease decreasing stock stocks activity pulse heartbeat signal ranking moon crescent waxing "
    "waning quarter gibbous gender male female mars venus hindu om khanda dharma yin yang swastika islam muslim "
    "prayer quran kaaba map maps globe world earth asia africa america europe australia japan arabic braille morse "
    "handed toggle switch brand logo app apple google".split()
)
_LETTERED = frozenset({"top arrow", "up button"})  # emoji that say so in letters
_SWAPS: dict[str, dict[str, str]] = {
    "mirror": {a: b for pair in _LEFT_RIGHT for a, b in (pair, pair[::-1])},
    "flip": {a: b for pair in _UP_DOWN for a, b in (pair, pair[::-1])},
    "turn": {word: ring[(i + 1) % len(ring)] for ring in _TURNS for i, word in enumerate(ring)},
}
_DIRECTIONS = {word for swaps in _SWAPS.values() for word in swaps}
_ACROSS_FIRST = re.compile(r"\b(left|right) (up|down|top|bottom)\b")


def moved_words(text: str, move: str) -> str:
    """A text with its directions as they are after a move: `arrow up right`, turned, is `arrow down right`."""
    swaps = _SWAPS[move]
    if move == "turn" and re.search(r"\b(top|bottom)\b", text):
        swaps = swaps | {"left": "top", "right": "bottom"}
    text = re.sub(r"[a-z]+", lambda found: swaps.get(found[0], found[0]), text)
    return _ACROSS_FIRST.sub(r"\2 \1", text) if move == "turn" else text  # "up right", not "right up"


def allowed_moves(
    name: str, may_say: Callable[[str], bool] = lambda name: True, logos: frozenset[str] = frozenset()
) -> list[str]:
    """Which of MOVES leave a true picture of what `name` becomes.

    may_say: whether a name may be trained on. logos: words that name a brand.
    """
    words = words_of(name)
    if not words or any(len(word) == 1 or not word.isalpha() for word in words) or not logos.isdisjoint(words):
        return []
    plain = set(words) - _DIRECTIONS
    if plain & _HANDED or name in _LETTERED:
        return []
    candidates = MOVES if set(words) & _DIRECTIONS and plain <= _ARROWS else MOVES[:1]
    return [move for move in candidates if may_say(moved_words(name, move))]


def moved(record: Record, rows: np.ndarray, move: str) -> tuple[Record, np.ndarray]:
    """A record and its rows [L, 22] after one of its moves: name, captions, keywords and parts say what is seen now."""
    if move not in record.moves:
        raise ValueError(f"{record.file}: no {move} of it is true; its moves are {', '.join(record.moves) or 'none'}")

    def said(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(moved_words(text, move) for text in texts))

    turned = quarter_turn(rows) if move == "turn" else mirror(rows)
    if move == "flip":  # a mirror and half a turn
        turned = quarter_turn(quarter_turn(turned))
    return replace(
        record, name=moved_words(record.name, move), captions=said(record.captions), keywords=said(record.keywords),
        parts=said(record.parts), moves=(),
    ), turned
