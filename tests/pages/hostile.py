"""Texts that want to be run, to break the page, or to be read as something else."""

from __future__ import annotations

import itertools
import os

COUNT = int(os.environ.get("HOSTILE_MESSAGES", "30"))

_SCRIPTS = (
    "<script>window.pwned=1;alert(1)</script>",
    "<img src=x onerror=\"window.pwned=1;alert(1)\">",
    "'\"><svg onload=window.pwned=1>",
    "</textarea></title></style><script>window.pwned=1</script>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<a href=\"javascript:window.pwned=1\" autofocus onfocus=window.pwned=1>点我</a>",
    "{{ 7*7 }}{% include 'x' %}${7*7}#{7*7}",
    "<style>*{display:none!important}</style>",
    "<base href=//x.invalid><meta http-equiv=refresh content=0;url=//x.invalid>",
    "<form action=//x.invalid><input name=password><button>登录",
    "<mark class=rule>假依据</mark><div id=decide data-version=99>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=pwned=1&gt;\">",
    "<div hx-get=/logout hx-trigger=load>&lt;script&gt;&#60;script&#62;",
    "--><!--<script>/*", "]]><![CDATA[<script>pwned=1</script>", "\\u003cscript\\u003epwned=1\\u003c/script\\u003e",
)  # fmt: skip
_SHAPES = (
    "{}",
    "\u202e{}\u202c后面\u2066又\u2069",
    "{}" + "长" * 4_000,
    "{}" + "W" * 3_000,
    '=HYPERLINK("//x.invalid";"{}")',
    "@SUM(1+1)*cmd|' /C calc'!A0 {}",
    "e" + "\u0301" * 400 + "{}",
    "\u200b\u200c\u200d\ufeff\u2060{}\x00\x07\x1b[31m",
    "السلام عليكم {} שלום " + "مرحبا" * 30,
    "{}" + "\n" * 200 + "末行",
    "👨‍👩‍👧‍👦🏳️‍🌈{}𝕿𝖊𝖘𝖙" + "﷽" * 60,
    "電話1​3912345678 {}扬尘",
    "\u2028{}\u2029\r\n\t\x0b\x0c",
    "ﷺ" * 40 + "{}" + "𒐫" * 60,
    "{}" + "̷̸̡̢" * 50,
    "www." + "a" * 500 + ".invalid {}",
    "扬尘" * 300 + "{}",
    "    " * 300 + "{}",
    "{}&nbsp;" * 20,
)


def hostile(count: int = COUNT) -> list[str]:
    """So many texts: every script in a shape before any comes again in another."""
    pairs = (
        (n % len(_SCRIPTS), (n + n // len(_SCRIPTS)) % len(_SHAPES)) for n in itertools.count()
    )
    return [_SHAPES[b].replace("{}", _SCRIPTS[a]) for a, b in itertools.islice(pairs, count)]
