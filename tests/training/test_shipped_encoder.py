"""The pre-trained encoder in the repository is a checkpoint that training accepts."""

from __future__ import annotations

import torch

from training.base import EMBEDDED, load_tokenizer, resolve_base
from training.model import load_encoder
from triage.bundle import TOKENIZER, default_path


def test_it_loads_and_tells_words_apart() -> None:
    encoder = load_encoder(resolve_base(str(EMBEDDED))).eval()
    tokenizer = load_tokenizer(EMBEDDED)
    with torch.inference_mode():
        means = []
        for text in ("老板拖欠工资", "公司不发工钱", "河水被污染"):
            ids = torch.tensor(
                [tokenizer.encode(f"[CLS]{text}[SEP]", add_special_tokens=False).ids]
            )
            means.append(encoder(input_ids=ids).last_hidden_state.mean(dim=1))
    near, far = (torch.cosine_similarity(means[0], other).item() for other in means[1:])
    assert near > far


def test_it_is_small_and_has_the_bundles_tokenizer() -> None:
    assert sum(file.stat().st_size for file in EMBEDDED.iterdir()) <= 30_000_000
    ours, theirs = (load_tokenizer(path).get_vocab() for path in (EMBEDDED, default_path()))
    assert ours == theirs
    assert (EMBEDDED / TOKENIZER).is_file()
