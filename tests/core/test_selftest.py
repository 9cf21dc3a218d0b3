"""A bundle that is whole but answers otherwise than where it was made is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bundles import copied, rewrite
from triage.bundle import LINEAR, SAMPLES, default_path, file_hash, load_bundle
from triage.errors import BundleError
from triage.pipeline import Pipeline
from triage.selftest import read_samples, self_test


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return copied(tmp_path / "bundle")


def reseal(bundle: Path) -> None:
    def seal(manifest: dict[str, Any]) -> None:
        kept = [name for name in manifest["files"] if (bundle / name).exists()]
        manifest["files"] = {name: file_hash(bundle / name) for name in kept}

    rewrite(bundle, seal)


def test_the_embedded_bundle_answers_its_samples() -> None:
    assert self_test(load_bundle()) == len(read_samples(default_path() / SAMPLES)) >= 20


def test_samples_cover_every_class() -> None:
    samples = read_samples(default_path() / SAMPLES)
    assert {int(np.argmax(sample.encoder)) for sample in samples} == {0, 1, 2, 3, 4}


def test_a_bundle_whose_hashes_hold_but_that_answers_otherwise_is_refused(bundle: Path) -> None:
    with np.load(bundle / LINEAR) as arrays:
        changed = dict(arrays)
    changed["bias"] = changed["bias"] + np.float32(0.5)
    np.savez(bundle / LINEAR, **changed)
    reseal(bundle)
    with pytest.raises(BundleError, match="sample 1 is answered otherwise"):
        Pipeline.load(bundle).warm_up()


def test_a_damaged_file_of_samples_is_named(bundle: Path) -> None:
    (bundle / SAMPLES).write_text('{"text": 1}\n', encoding="utf-8")
    reseal(bundle)
    with pytest.raises(BundleError, match=SAMPLES):
        self_test(load_bundle(bundle))


def test_a_bundle_from_before_there_were_samples_loads(bundle: Path) -> None:
    (bundle / SAMPLES).unlink()
    reseal(bundle)
    assert self_test(load_bundle(bundle)) == 0
