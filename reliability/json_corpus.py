"""Texts that are JSON, are not, or may be either, named as in the JSON Parsing Test Suite.

``y_`` is JSON by RFC 8259 and must be read, ``n_`` is not and must be refused, ``i_`` is left to
the parser, and each has its rule here, which ``docs/api.md`` tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

LONGEST_INTEGER = 4300  # digits
READ, REFUSED = "read", "refused"

VALUES = {
    "true": "true",
    "false": "false",
    "null": "null",
    "empty_string": '""',
    "empty_array": "[]",
    "empty_object": "{}",
    "space_around": " \t\r\n[1]\r\n\t ",
    "space_within": "[ 1 ,\t2\r\n]",
    "mixed_array": '[null, 1, "1", {}, [], true]',
    "nested_200": "[" * 200 + "]" * 200,
    "empty_key": '{"": 0}',
    "long_key": '{"' + "x" * 5000 + '": 0}',
}
GOOD_STRINGS = {
    "allowed_escapes": r'"\"\\\/\b\f\n\r\t"',
    "escaped_control": r'"\u0012"',
    "escaped_nul": r'"\u0000"',
    "escaped_noncharacter": r'"\uFFFF"',
    "surrogate_pair": r'"\uD834\uDD1E"',
    "raw_del": '"\x7f"',
    "utf8_two_bytes": '"é"',
    "utf8_three_bytes": '"€"',
    "utf8_four_bytes": '"𝄞"',
    "raw_noncharacter": '"\U0010ffff"',
    "line_separator": '"\u2028\u2029"',
    "escape_of_escape": r'"\\u0000"',
    "long": '"' + "x" * 100_000 + '"',
}
BAD_STRINGS = {
    "single_quotes": b"'a'",
    "no_quotes": b"a",
    "no_end": b'"a',
    "one_quote": b'"',
    "escape_at_end": b'"\\',
    "escaped_end": b'"\\"',
    "unknown_escape": rb'"\a"',
    "escape_x": rb'"\x00"',
    "escape_capital_u": rb'"\U0041"',
    "escape_three_digits": rb'"\u00A"',
    "escape_no_hex": rb'"\u00ZZ"',
    "escape_utf8": b'"\\\xc3\xa9"',
    "escaped_emoji": '"\\😀"'.encode(),
    "raw_newline": b'"a\nb"',
    "raw_tab": b'"a\tb"',
    "raw_nul": b'"a\0b"',
    "raw_control": b'"\x1f"',
    "backtick": b"`a`",
    "concatenated": b'"a" "b"',
    "invalid_utf8": b'"\xff"',
    "utf8_cut_off": b'"\xe2\x82"',
    "utf8_overlong": b'"\xc0\xaf"',
    "utf8_surrogate": b'"\xed\xa0\x80"',
    "utf8_beyond_unicode": b'"\xf4\x90\x80\x80"',
    "lone_continuation": b'"\x80"',
    "iso_latin_1": b'"\xe9"',
}
BAD_NUMBERS = (
    *("+1", "-", "--1", "-+1", "++1", "01", "-01", "00", "-00.1", "0x1F", "0b1", "0o7", "1_000"),
    *(".5", "-.5", "1.", "-1.", "1.e5", "1.5.5", "1..5", "0.e1", "1e", "1E", "1e+", "1e-", "1ee5"),
    *(
        "1e5.5",
        "1e+-5",
        "e5",
        "1 000",
        "1'000",
        "1f",
        "1L",
        "1n",
        "\u00bd",
        "\uff11",
        "\u0663",
        "1/2",
    ),
    *("NaN", "nan", "-NaN", "Infinity", "-Infinity", "+Infinity", "inf", "-inf", "1#INF"),
    *("1 2", "1-", "1+2", "-a", "0x", "0a", "9.1.a", "1\u00a0", "\u22121", "$1", "1%", "1e1e1"),
)
BAD_STRUCTURES = {
    "nothing": b"",
    "space_only": b" \n",
    "comma": b",",
    "colon": b":",
    "capital_true": b"True",
    "capital_null": b"NULL",
    "none": b"None",
    "undefined": b"undefined",
    "literal_cut_off": b"tru",
    "literal_too_long": b"nulll",
    "two_values": b"[] []",
    "value_and_garbage": b"{} x",
    "value_and_nul": b"[]\0",
    "trailing_brace": b'{"a": 1}}',
    "trailing_bracket": b"[1]]",
    "array_open": b"[1",
    "array_open_after_comma": b"[1,",
    "array_trailing_comma": b"[1,]",
    "array_leading_comma": b"[,1]",
    "array_double_comma": b"[1,,2]",
    "array_only_comma": b"[,]",
    "array_no_comma": b"[1 2]",
    "array_colon": b'["a": 1]',
    "array_closed_by_brace": b"[1}",
    "array_semicolon": b"[1;2]",
    "object_open": b'{"a": 1',
    "object_open_after_key": b'{"a"',
    "object_open_after_colon": b'{"a":',
    "object_trailing_comma": b'{"a": 1,}',
    "object_leading_comma": b'{,"a": 1}',
    "object_double_comma": b'{"a": 1,,"b": 2}',
    "object_no_colon": b'{"a" 1}',
    "object_double_colon": b'{"a":: 1}',
    "object_equals": b'{"a" = 1}',
    "object_no_value": b'{"a":}',
    "object_no_key": b"{: 1}",
    "object_bare_key": b"{a: 1}",
    "object_single_quotes": b"{'a': 1}",
    "object_number_key": b"{1: 1}",
    "object_null_key": b"{null: 1}",
    "object_list_key": b"{[]: 1}",
    "object_only_value": b'{"a"}',
    "object_no_comma": b'{"a": 1 "b": 2}',
    "object_closed_by_bracket": b'{"a": 1]',
    "object_with_array_end": b'{"a": [1}',
    "comment_block": b"[1 /* one */]",
    "comment_line": b"[1] // one",
    "comment_hash": b"# one\n[1]",
    "form_feed": b"[\x0c1]",
    "no_break_space": b"[\xc2\xa01]",
    "word_joiner": b"[\xe2\x81\xa01]",
    "escaped_outside_string": rb"[\u0031]",
    "escaped_newline": b"[\\n1]",
    "xml": b"<a/>",
    "yaml": b"- a: 1",
    "lines": b'{"a": 1}\n{"a": 2}',
    "python_tuple": b"(1, 2)",
    "javascript_function": b"[function(){}]",
    "whole_body_nul": b"\0",
    "all_bytes": bytes(range(256)),
    "mojibake_of_bom": b"\xc3\xaf\xc2\xbb\xc2\xbf[]",
}
# What the standard leaves open, and what is done.
OPEN: dict[str, tuple[bytes, str]] = {
    "structure_depth_201": (b"[" * 201 + b"1" + b"]" * 201, REFUSED),
    "structure_depth_201_empty": (b"[" * 201 + b"]" * 201, READ),
    "structure_depth_201_objects": (b'{"a":' * 201 + b"1" + b"}" * 201, REFUSED),
    "structure_depth_1000": (b"[" * 1000 + b"]" * 1000, REFUSED),
    "structure_depth_100000": (b"[" * 100_000 + b"]" * 100_000, REFUSED),
    "structure_depth_100000_objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, REFUSED),
    "structure_depth_100000_open": (b"[" * 100_000, REFUSED),
    "object_duplicate_key": (b'{"a": 1, "a": 2}', READ),
    "object_duplicate_key_and_value": (b'{"a": 1, "a": 1}', READ),
    "object_duplicate_key_escaped": (rb'{"a": 1, "\u0061": 2}', READ),
    "structure_utf8_bom": (b"\xef\xbb\xbf[]", REFUSED),
    "structure_bom_alone": (b"\xef\xbb\xbf", REFUSED),
    "structure_utf16_le_bom": ("[1]".encode("utf-16"), REFUSED),
    "structure_utf16_le": ("[1]".encode("utf-16-le"), REFUSED),
    "structure_utf16_be": ("[1]".encode("utf-16-be"), REFUSED),
    "structure_utf32": ("[1]".encode("utf-32"), REFUSED),
    "string_lone_high_surrogate": (rb'"\uD800"', REFUSED),
    "string_lone_low_surrogate": (rb'"\uDC00"', REFUSED),
    "string_surrogates_swapped": (rb'"\uDD1E\uD834"', REFUSED),
    "string_surrogate_and_text": (rb'"\uD800a"', REFUSED),
    "string_two_high_surrogates": (rb'"\uD800\uD800"', REFUSED),
    "number_too_large": (b"1e400", READ),
    "number_too_large_negative": (b"-1e400", READ),
    "number_exponent_of_40_digits": (b"1e" + b"9" * 40, READ),
    "number_too_small": (b"1e-400", READ),
    "number_minus_zero": (b"-0", READ),
    "number_long_fraction": (b"0." + b"3" * 10_000, READ),
    "number_integer_20_digits": (b"9" * 20, READ),
    "number_integer_4300_digits": (b"9" * LONGEST_INTEGER, READ),
    "number_integer_4301_digits": (b"9" * (LONGEST_INTEGER + 1), REFUSED),
    "number_integer_100000_digits": (b"9" * 100_000, REFUSED),
}


class Text(NamedTuple):
    """A body and whether it must be read as JSON or refused."""

    name: str
    body: bytes
    rule: str


def texts() -> Iterator[Text]:
    """Every text as a whole body; numbers and strings also in an array and as a member."""
    for name, body, rule in _bare():
        yield Text(name, body, rule)
        if "_number_" in name or "_string_" in name:
            yield Text(f"{name}_in_array", b"[" + body + b"]", rule)
            yield Text(f"{name}_in_house", b'{"GrLivArea": ' + body + b"}", rule)


def _bare() -> Iterator[tuple[str, bytes, str]]:
    for name, text in VALUES.items():
        yield f"y_structure_{name}", text.encode(), READ
    for name, text in GOOD_STRINGS.items():
        yield f"y_string_{name}", text.encode(), READ
    for text in _good_numbers():
        yield f"y_number_{text}", text.encode(), READ
    for name, body in BAD_STRUCTURES.items():
        yield f"n_structure_{name}", body, REFUSED
    for name, body in BAD_STRINGS.items():
        yield f"n_string_{name}", body, REFUSED
    for text in BAD_NUMBERS:
        yield f"n_number_{text}", text.encode(), REFUSED
    for name, (body, rule) in OPEN.items():
        yield f"i_{name}", body, rule


def _good_numbers() -> Iterator[str]:
    """Every combination of what the grammar of a number allows."""
    fractions, exponents = ("", ".5", ".0", ".000"), ("", "e1", "E+2", "e-3", "e00")
    for sign, whole, fraction, exponent in product(
        ("", "-"), ("0", "7", "10"), fractions, exponents
    ):
        yield f"{sign}{whole}{fraction}{exponent}"
