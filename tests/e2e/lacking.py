"""What a worker loads where the libraries of training cannot be imported."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.worker import Classifier

ABSENT = ("torch", "transformers", "datasets", "sklearn", "scipy")


class _Refuse(MetaPathFinder):
    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> None:
        if fullname.partition(".")[0] in ABSENT:
            raise ImportError(f"{fullname} is not there")


def refuse() -> None:
    """Let this process, and those forked from it, find none of them."""
    assert not set(ABSENT) & set(sys.modules)
    sys.meta_path.insert(0, _Refuse())


def load(bundle: str | None, rulebook: str | None) -> Classifier:
    """What the service loads, ready to classify."""
    refuse()
    from serving.worker import load as load_pipeline

    classifier = load_pipeline(bundle, rulebook)
    classifier.warm_up()
    assert "jieba" in sys.modules, "loaded before the service is ready"
    return classifier
