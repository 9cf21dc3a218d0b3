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
from tokenizers import Tokenizer

from training import calibrate
from training.base import load_tokenizer, resolve_base
from training.batching import windows
from training.card import seal
from training.corpus import (
    UNLABELLED,
    domain_documents,
    fingerprints,
    general_documents,
)
from training.data import Example, data_hash, read_unlabelled
from training.export import Parity, compare, export_onnx, quiet, require_parity, run, stack
from training.finetune import FinetuneSettings, finetune, predict
from training.int8 import quantise
from training.linear_fit import fit_linear, save_linear
from training.losses import Targets, labelled_targets
from training.measure import ask, measure, parity_figures, strict
from training.messages import Messages, read_messages
from training.model import TriageModel, load_encoder
from training.packing import pack_cached
from training.pretrain import PretrainSettings, Sources, pretrain
from training.runtime import log
from training.steps import StepLog
from training.teacher import tuned_teacher
from triage.bundle import LINEAR, MANIFEST, MODEL, TOKENIZER, Manifest
from triage.decision import Thresholds
from triage.errors import InputFileError
from triage.fusion import FusionWeights
from triage.labels import CLASSES, REASONS
from triage.models import ModelOutput, OnnxModel
from triage.models.window import Windower
from triage.normalise import NORMALISER_VERSION
from triage.rules import RuleEngine


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """All that changes a bundle; kept in the working directory so that a run can be resumed.

    `labels_only`: learn from the labelled file, and what has nothing to handle, alone: without
    readings and invented messages of departments.
    """

    data: str
    base: str | None = None
    teacher: str | None = None
    teacher_share: float = 0.5
    data_card: str | None = None
    labels_only: bool = False
    name: str = "estation"
    version: str = "0.1.0"
    max_length: int = 256
    vocabulary: int = 20_000
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
        words, cores = self.work / TOKENIZER, os.cpu_count() or 1
        with self.log.step("vocabulary", words) as due:
            if due:
                from training.vocabulary import train_vocabulary

                # The messages twice: their characters must not be crowded out by general text.
                texts = chain(
                    domain_documents(self.data),
                    domain_documents(self.data),
                    general_documents(self.data),
                )
                train_vocabulary(texts, self.settings.vocabulary, cores).save(str(words))
        tokenizer = Tokenizer.from_file(str(words))
        packed = (self.work / "domain.npy", self.work / "general.npy")
        with self.log.step("packing", *packed):
            domain = pack_cached(packed[0], domain_documents(self.data), tokenizer, 1)
            general = pack_cached(packed[1], general_documents(self.data), tokenizer, cores)
        sources = Sources(domain, general, tokenizer.get_vocab_size())
        encoder = self.work / "encoder"
        with self.log.step("pre-training", encoder) as due:
            if due:
                pretrain(sources, self.settings.pretrain, self.work)
                # With its tokenizer the encoder is a checkpoint that `base` accepts.
                tokenizer.save(str(encoder / TOKENIZER))
        return encoder, tokenizer

    def _messages(self) -> Messages:
        found = read_messages(
            self.data, self.work / "datasets", self.settings.validation_share,
            labels_only=self.settings.labels_only,
        )  # fmt: skip
        log.info("%d messages to train, %d to validate", len(found.train), len(found.validation))
        return found

    def _targets(self, train: Sequence[Example], validation: Sequence[Example],
                 unlabelled: Sequence[Example]) -> Targets:  # fmt: skip
        """What to learn: the labels, beside a teacher's probabilities where one is asked for."""
        settings = self.settings
        targets = labelled_targets(train, settings.finetune.targets)
        if settings.teacher is None:
            return targets
        teacher = tuned_teacher(
            settings.teacher, train, validation, [*train, *unlabelled],
            settings.finetune, settings.max_length, self.work / "teacher",
        )  # fmt: skip
        of_train, beyond = teacher.split(len(train))
        return targets.blended(of_train, settings.teacher_share).followed_by(beyond)

    def _model(self, train: Sequence[Example], validation: Sequence[Example],
               encoder: Path, windower: Windower) -> TriageModel:  # fmt: skip
        unlabelled: list[Example] = []
        if self.settings.teacher and (self.data / UNLABELLED).is_file():
            unlabelled = read_unlabelled(self.data / UNLABELLED)
        with self.log.step("teacher"):
            targets = self._targets(train, validation, unlabelled)
        # Seeded here, so that a resumed run starts its head like an uninterrupted one.
        torch.manual_seed(self.settings.seed)
        model = TriageModel(load_encoder(encoder))
        with self.log.step("fine-tuning"):
            return finetune(
                model, [*train, *unlabelled], validation, windower, self.settings.finetune,
                self.work, targets,
            )  # fmt: skip

    def run(self, target: Path) -> Path:
        """Train and write a verified bundle to `target`, replacing the bundle that is there.

        Raises:
            InputFileError: `target` holds something else than a bundle.
            BundleError: the exported model answers otherwise than the trained one.
        """
        if target.exists() and any(target.iterdir()) and not (target / MANIFEST).is_file():
            raise InputFileError(f"{target} holds no bundle; it will not be replaced")
        encoder, tokenizer = self._encoder()
        with self.log.step("data"):
            train, validation, dev = self._messages()
        windower = Windower(tokenizer, self.settings.max_length)
        model = self._model(train, validation, encoder, windower)
        bundle = self.work / "bundle"
        bundle.mkdir(exist_ok=True)
        tokenizer.save(str(bundle / TOKENIZER))
        with self.log.step("export"):
            exported, parity = self._export(model, bundle, dev or validation, windower)
        with self.log.step("linear voice"):
            linear = fit_linear(train, seed=self.settings.seed)
        with self.log.step("calibration"):
            voices = ask(exported, linear, validation)
            weights = calibrate.fit_fusion(voices, validation)
            thresholds = calibrate.fit_thresholds(voices, validation, weights)
        with self.log.step("final linear voice"):
            # Weights and thresholds are set: the shipped voice may learn from every label.
            final = fit_linear([*train, *validation], seed=self.settings.seed)
            save_linear(final, bundle / LINEAR)
        metrics = measure("validation", voices, validation, weights, thresholds)
        metrics |= parity_figures(parity)
        if kept := strict(dev):
            # Final figures: the development set took no part in any choice.
            metrics |= measure("dev", ask(exported, final, kept), kept, weights, thresholds)
        outputs = [v.model for v in voices]
        manifest = self._manifest(outputs, train, validation, weights, thresholds, metrics)
        seal(bundle, manifest, exported, final, self.settings.data_card)
        _replace(bundle, target)
        log.info("bundle written to %s", target)
        return target

    def _export(self, model: TriageModel, bundle: Path, asked: Sequence[Example],
                windower: Windower) -> tuple[OnnxModel, dict[str, Parity]]:  # fmt: skip
        """Write the model; `asked` are the messages that prove that the answers stayed."""
        whole = self.work / "whole.onnx"
        trained = predict(model, windows(asked, windower))
        export_onnx(model, whole)
        with quiet():
            quantise(whole, bundle / MODEL)
        parities, exported = {}, None
        for what, path in (("fp32", whole), ("int8", bundle / MODEL)):
            exported = OnnxModel(path, bundle / TOKENIZER, max_length=self.settings.max_length)
            parities[what] = compare(trained, run(exported, asked), asked)
            require_parity(parities[what], what)
        assert exported is not None
        return exported, parities

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
                "labels_only": int(settings.labels_only),
            },
            metrics=metrics,
            files={},
        )


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
