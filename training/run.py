"""The whole training: from a data directory to a verified bundle."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training import calibrate
from training.base import load_tokenizer, resolve_base
from training.card import seal
from training.corpus import (
    domain_documents,
    fingerprints,
    general_documents,
    labelled_file,
    training_file,
)
from training.data import Example, data_hash, invented_nothing, read_labelled
from training.export import Parity, compare, export_onnx, quantise, require_parity, run, stack
from training.finetune import FinetuneSettings, finetune, macro_f1, predict, windows
from training.linear_fit import fit_linear, linear_text, save_linear
from training.model import TriageModel, load_encoder
from training.packing import pack_cached
from training.pretrain import PretrainSettings, Sources, pretrain
from training.runtime import counted, log
from training.split import grouped_split
from training.steps import StepLog
from triage.bundle import LINEAR, MANIFEST, MODEL, TOKENIZER, Manifest
from triage.decision import Thresholds
from triage.errors import InputFileError
from triage.fusion import FusionWeights, Voices, fuse
from triage.labels import CLASSES, DEPARTMENTS, REASONS
from triage.models import LinearModel, ModelOutput, OnnxModel
from triage.models.window import Windower
from triage.normalise import NORMALISER_VERSION
from triage.rules import RuleEngine


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """All that changes a bundle; kept in the working directory so that a run can be resumed."""

    data: str
    base: str | None = None
    data_card: str | None = None
    name: str = "estation"
    version: str = "0.1.0"
    max_length: int = 256
    vocabulary: int = 7_500
    validation_share: float = 0.15
    seed: int = 1
    pretrain: PretrainSettings = field(default_factory=PretrainSettings)
    finetune: FinetuneSettings = field(default_factory=FinetuneSettings)


class Training:
    """One run in a working directory; every step can be resumed.

    Raises:
        InputFileError: the data are missing, or `work` holds a run with other settings or data.
    """

    def __init__(self, settings: TrainSettings, work: Path, *, restart: bool = False) -> None:
        self.settings, self.work, self.data = settings, work, Path(settings.data)
        made_from = {"settings": asdict(settings), "files": fingerprints(self.data)}
        self.log = StepLog(work, made_from, restart=restart)

    def _encoder(self) -> tuple[Path, Tokenizer]:
        """The encoder to fine-tune and its tokenizer: the given checkpoint, or a new one."""
        if self.settings.base:
            directory = resolve_base(self.settings.base)
            return directory, load_tokenizer(directory)
        words = self.work / TOKENIZER
        with self.log.step("vocabulary", words) as due:
            if due:
                from training.vocabulary import train_vocabulary

                # The messages twice: their characters must not be crowded out by general text.
                texts = chain(
                    domain_documents(self.data),
                    domain_documents(self.data),
                    general_documents(self.data),
                )
                documents = counted(texts, "vocabulary, documents")
                train_vocabulary(documents, self.settings.vocabulary).save(str(words))
        tokenizer = Tokenizer.from_file(str(words))
        packed = (self.work / "domain.npy", self.work / "general.npy")
        with self.log.step("packing", *packed):
            domain = pack_cached(packed[0], domain_documents(self.data), tokenizer, 1)
            cores = os.cpu_count() or 1
            general = pack_cached(packed[1], general_documents(self.data), tokenizer, cores)
        sources = Sources(domain, general, tokenizer.get_vocab_size())
        encoder = self.work / "encoder"
        with self.log.step("pre-training", encoder) as due:
            if due:
                pretrain(sources, self.settings.pretrain, self.work)
                # With its tokenizer the encoder is a checkpoint that `base` accepts.
                tokenizer.save(str(encoder / TOKENIZER))
        return encoder, tokenizer

    def _examples(self) -> tuple[list[Example], list[Example]]:
        with self.log.step("data"):
            examples = read_labelled(training_file(self.data), self.work / "datasets")
            examples += invented_nothing()
            split = grouped_split(examples, self.settings.validation_share, self.settings.seed)
        log.info("%d messages to train, %d to validate", len(split.train), len(split.validation))
        return [examples[i] for i in split.train], [examples[i] for i in split.validation]

    def run(self, target: Path) -> Path:
        """Train and write a verified bundle to `target`, replacing the bundle that is there.

        Raises:
            InputFileError: `target` holds something else than a bundle.
            BundleError: the exported model answers otherwise than the trained one.
        """
        if target.exists() and any(target.iterdir()) and not (target / MANIFEST).is_file():
            raise InputFileError(f"{target} holds no bundle; it will not be replaced")
        encoder, tokenizer = self._encoder()
        train, validation = self._examples()
        windower = Windower(tokenizer, self.settings.max_length)
        # Seeded here, so that a resumed run starts its head like an uninterrupted one.
        torch.manual_seed(self.settings.seed)
        model = TriageModel(load_encoder(encoder))
        with self.log.step("fine-tuning"):
            finetune(model, train, validation, windower, self.settings.finetune, self.work)
        bundle = self.work / "bundle"
        bundle.mkdir(exist_ok=True)
        tokenizer.save(str(bundle / TOKENIZER))
        with self.log.step("export"):
            exported, parity = self._export(model, bundle, validation, windower)
        with self.log.step("linear voice"):
            linear = fit_linear(train, seed=self.settings.seed)
        with self.log.step("calibration"):
            voices = _voices(exported, linear, validation)
            weights = calibrate.fit_fusion(voices, validation)
            thresholds = calibrate.fit_thresholds(voices, validation, weights)
        with self.log.step("final linear voice"):
            # Weights and thresholds are set: the shipped voice may learn from every label.
            final = fit_linear([*train, *validation], seed=self.settings.seed)
            save_linear(final, bundle / LINEAR)
        metrics = _measure("validation", voices, validation, weights) | _parity(parity)
        metrics |= self._dev(exported, final, weights)
        outputs = [v.model for v in voices]
        manifest = self._manifest(outputs, train, validation, weights, thresholds, metrics)
        seal(bundle, manifest, self.settings.data_card)
        _replace(bundle, target)
        log.info("bundle written to %s", target)
        return target

    def _export(self, model: TriageModel, bundle: Path, validation: Sequence[Example],
                windower: Windower) -> tuple[OnnxModel, dict[str, Parity]]:  # fmt: skip
        whole = self.work / "whole.onnx"
        trained = predict(model, windows(validation, windower))
        export_onnx(model, whole)
        quantise(whole, bundle / MODEL)
        parities, exported = {}, None
        for what, path in (("fp32", whole), ("int8", bundle / MODEL)):
            exported = OnnxModel(path, bundle / TOKENIZER, max_length=self.settings.max_length)
            parities[what] = compare(trained, run(exported, validation), validation)
            require_parity(parities[what], what)
        assert exported is not None
        return exported, parities

    def _dev(
        self, model: OnnxModel, linear: LinearModel, weights: FusionWeights
    ) -> dict[str, float]:
        """Final figures on the development set, which took no part in any choice."""
        file = labelled_file(self.data, "dev")
        if file is None:
            return {}
        examples = read_labelled(file, self.work / "datasets")
        strict = [e for e in examples if not e.contested and e.label < len(DEPARTMENTS)]
        return _measure("dev", _voices(model, linear, strict), strict, weights)

    def _manifest(self, outputs: Sequence[ModelOutput], train: Sequence[Example],
                  validation: Sequence[Example], weights: FusionWeights, thresholds: Thresholds,
                  metrics: dict[str, float]) -> Manifest:  # fmt: skip
        labels = np.array([e.label for e in validation])
        urgent = np.array([e.urgent for e in validation])
        scores = stack(outputs)
        settings = self.settings
        return Manifest(
            name=settings.name,
            version=settings.version,
            created=datetime.now(UTC).date().isoformat(),
            classes=CLASSES,
            reasons=tuple(REASONS),
            max_length=settings.max_length,
            normaliser=NORMALISER_VERSION,
            temperature=calibrate.fit_temperature(scores.classes, labels),
            urgent_temperature=calibrate.fit_urgent_temperature(scores.urgent, urgent),
            fusion=weights,
            thresholds=thresholds,
            rulebook=RuleEngine.default().version,
            training={
                "data_sha256": data_hash([*train, *validation]),
                "messages": len(train),
                "validation_messages": len(validation),
                "encoder": Path(settings.base).name if settings.base else settings.pretrain.size,
                "pretraining_tokens": 0 if settings.base else settings.pretrain.tokens,
                "epochs": settings.finetune.epochs,
                "seed": settings.seed,
            },
            metrics=metrics,
            files={},
        )


def _voices(model: OnnxModel, linear: LinearModel, examples: Sequence[Example]) -> list[Voices]:
    rules = RuleEngine.default()
    return [
        Voices(
            model=model.predict(e.title, e.body),
            linear=linear.predict(linear_text(e)),
            rules=rules.apply(e.title, e.body),
        )
        for e in counted(examples, "voices", len(examples))
    ]


def _measure(what: str, voices: Sequence[Voices], examples: Sequence[Example],
             weights: FusionWeights) -> dict[str, float]:  # fmt: skip
    """Macro-F1 of the encoder, the linear voice and the fusion over the four departments."""
    real = [i for i, e in enumerate(examples) if e.label < len(DEPARTMENTS)]
    four = slice(0, len(DEPARTMENTS))
    labels = [examples[i].label for i in real]
    by: dict[str, NDArray[np.floating]] = {
        "model": np.stack([voices[i].model.classes[four] for i in real]),
        "linear": np.stack([voices[i].linear.classes[four] for i in real]),
        "fusion": np.stack([fuse(voices[i], weights).classes[four] for i in real]),
    }
    return {f"{what}_macro_f1_{name}": round(macro_f1(s, labels), 4) for name, s in by.items()}


def _parity(parity: dict[str, Parity]) -> dict[str, float]:
    return {
        f"{what}_{name}": round(value, 5)
        for what, result in parity.items()
        for name, value in asdict(result).items()
    }


def _replace(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = (target.with_name(f".{target.name}.{state}") for state in ("new", "old"))
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(source, fresh)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
