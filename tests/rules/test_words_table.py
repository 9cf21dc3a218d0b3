"""Our reading of jieba's dictionary answers as jieba's own table does."""

from __future__ import annotations

import random
import warnings

import pytest

from triage.rules import words

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jieba

_TEXTS = (
    "不合法院落里堆着燃气灶，负责人说下个月 一定处理。",
    "我在幼儿园 门口卖东西被罚款十三条ABC 123，驾驶证也被扣了！",
    "劳动者保证书适用房出去玩西四环哺乳期",
    " ，。 x 々〇 \n",
)


@pytest.fixture(scope="module")
def theirs() -> jieba.Tokenizer:
    tokenizer = jieba.Tokenizer()
    with tokenizer.get_dict_file() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(file)
    tokenizer.initialized = True
    return tokenizer


def test_the_same_fragments_with_the_same_frequencies(theirs: jieba.Tokenizer) -> None:
    ours = words._load()
    assert ours.total == theirs.total
    draw = random.Random(3)
    known = draw.sample(sorted(theirs.FREQ), 5_000)
    unknown = [word + mark for word in known[:500] for mark in (" ", " 3", "龘")]
    for fragment in known + unknown:
        assert (fragment in ours.FREQ) == (fragment in theirs.FREQ), fragment
        assert (ours.FREQ.get(fragment) or 1) == (theirs.FREQ.get(fragment) or 1)


@pytest.mark.parametrize("text", _TEXTS)
def test_the_same_words(theirs: jieba.Tokenizer, text: str) -> None:
    ours = list(words._load().cut(text, cut_all=False, HMM=False))
    assert ours == list(theirs.cut(text, HMM=False))
