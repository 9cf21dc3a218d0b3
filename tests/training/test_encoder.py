"""How pre-training starts and what it counts: positions, words, vectors, the sampled loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.encoder import POSITIONS, MaskedLanguageModel, bert_config, start_with_neighbours
from training.packing import pack
from training.pretrain import PretrainSettings, _places
from training.vectors import word_vectors
from training.vocabulary import SPECIAL, UNK, train_vocabulary

TEXTS = [
    "老板拖欠工资不给",
    "公司拖欠工资三个月",
    "老板不发工资",
    "河水被污染发臭",
    "化工厂污染河水",
    "河水污染鱼死",
]


def test_no_two_positions_look_alike() -> None:
    model = MaskedLanguageModel(bert_config("small", 50))
    start_with_neighbours(model.bert)
    waves = model.bert.embeddings.position_embeddings.weight[:, :64].detach()
    alike = torch.nn.functional.cosine_similarity(waves[None, 200], waves, dim=1)
    near = torch.zeros(POSITIONS, dtype=torch.bool)
    near[192:209] = True
    assert alike[~near].max() < 0.5


def test_blocks_stand_everywhere_in_the_window() -> None:
    rng = np.random.default_rng(0)
    places = np.concatenate([_places((32, 128), rng) for _ in range(40)])
    assert (places[:, 0] == 0).all()
    assert (np.diff(places[:, 1:]) == 1).all()
    assert set(range(POSITIONS - 1)) <= set(places.ravel().tolist())
    assert 0.3 < (places[:, 1] == 1).mean() < 0.5
    assert (_places((4, POSITIONS), rng) == np.arange(POSITIONS)).all()


def test_a_sample_of_the_whole_vocabulary_gives_the_whole_loss() -> None:
    torch.manual_seed(0)
    model = MaskedLanguageModel(bert_config("tiny", 60)).eval()
    inputs = torch.randint(5, 60, (3, 16))
    positions, targets = torch.tensor([1, 7, 20, 40]), torch.tensor([9, 11, 9, 33])
    with torch.no_grad():
        whole = model(inputs, positions, targets)
        sampled = model(inputs, positions, targets, sample=torch.randperm(60))
        parts = [
            model(inputs, positions, targets, sample=torch.randperm(60)[:30]) for _ in "x" * 60
        ]
    assert torch.allclose(whole, sampled, atol=1e-5)
    assert torch.stack(parts).mean() == pytest.approx(float(whole), abs=0.05)


def test_frequent_words_are_tokens_and_rare_ones_fall_apart() -> None:
    tokenizer = train_vocabulary(TEXTS * 10, 60)
    assert tokenizer.encode("污染河水", add_special_tokens=False).tokens == ["污染", "河水"]
    assert tokenizer.encode("污河", add_special_tokens=False).tokens == ["污", "河"]
    assert UNK in tokenizer.encode("龘", add_special_tokens=False).ids
    assert [tokenizer.id_to_token(i) for i in range(len(SPECIAL))] == list(SPECIAL)


def test_words_of_the_same_matter_start_alike() -> None:
    tokenizer = train_vocabulary(TEXTS * 10, 60)
    tokens = pack(TEXTS * 40, tokenizer, 1)
    vectors = word_vectors(tokens, tokenizer.get_vocab_size(), 8)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(0.02 * np.sqrt(8), rel=1e-4)

    def alike(one: str, other: str) -> float:
        a, b = (vectors[tokenizer.token_to_id(word)] for word in (one, other))
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    assert alike("污染", "河水") > alike("污染", "公司")


def test_the_last_part_of_a_run_has_long_blocks_and_as_many_tokens() -> None:
    made = PretrainSettings(tokens=4_096 * 100)
    assert made.steps == 100
    assert made.shape(89) == (32, 128)
    assert made.shape(90) == (8, 512)
