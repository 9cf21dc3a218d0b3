"""A bundle is verified to the last byte before it is used. On copies of the embedded bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bundles import copied, flip, rewrite
from triage.bundle import FILES, MANIFEST, SAMPLES, default_path, file_hash, load_bundle, verify
from triage.errors import BundleError
from triage.pipeline import Pipeline
from triage.types import Department, Message


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return copied(tmp_path / "bundle")


def test_the_embedded_bundle_is_whole_and_small() -> None:
    manifest = verify(default_path())
    assert set(manifest.files) == {*FILES, SAMPLES}
    size = sum(file.stat().st_size for file in default_path().iterdir())
    assert size <= 16_000_000


def test_the_version_names_the_very_bytes(bundle: Path) -> None:
    before = load_bundle(bundle).version
    rewrite(bundle, lambda m: m.update(created="2001-01-01"))
    after = load_bundle(bundle).version
    assert before.split("+")[0] == after.split("+")[0]
    assert before != after


def _department_set(bundle: Path, least: float | None) -> tuple[Department, ...] | None:
    def change(manifest: dict[str, object]) -> None:
        thresholds = manifest["thresholds"]
        assert isinstance(thresholds, dict)
        thresholds.pop("conformal", None)
        if least is not None:
            thresholds["conformal"] = least

    rewrite(bundle, change)
    return Pipeline.load(bundle).classify(Message(text="老板拖欠工资")).department_set


def test_a_bundle_calibrated_for_sets_gives_them_and_an_older_one_loads(bundle: Path) -> None:
    assert _department_set(bundle, None) is None
    assert _department_set(bundle, 1.0) == (Department.CIVIL,)
    everyone = _department_set(bundle, 0.0)
    assert everyone is not None
    assert everyone[0] is Department.CIVIL
    assert set(everyone) == set(Department)


@pytest.mark.parametrize("name", FILES)
def test_one_altered_byte_is_refused(bundle: Path, name: str) -> None:
    flip(bundle / name)
    with pytest.raises(BundleError, match=f"{name} was altered"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        load_bundle(bundle)


def test_no_directory_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no bundle"):
        load_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format=2), "format"),
        (lambda m: m.pop("fusion"), "fusion"),
        (lambda m: m["fusion"].update(urgent_rules=-1), "urgent_rules"),
        (lambda m: m["thresholds"].update(urgent=2), "urgent"),
        (lambda m: m["thresholds"].update(conformal=1.5), "conformal"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m.update(classes=m["classes"][::-1]), "other labels"),
        (lambda m: m.update(normaliser="0"), "normaliser 0"),
        (lambda m: m["files"].pop("linear.npz"), "does not list linear.npz"),
        (lambda m: m["files"].update({"../x": "0" * 64}), "is missing"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    bundle: Path, change: Callable[[dict[str, object]], None], message: str
) -> None:
    rewrite(bundle, change)
    with pytest.raises(BundleError, match=message):
        load_bundle(bundle)


def test_a_manifest_that_is_no_json_is_refused(bundle: Path) -> None:
    (bundle / MANIFEST).write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match="does not follow the format"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "linear.npz"])
@pytest.mark.parametrize("share", [0, 0.5, None])
def test_a_sealed_file_that_does_not_load_is_refused(
    bundle: Path, name: str, share: float | None
) -> None:
    whole = (bundle / name).read_bytes()
    part = b"no model at all" if share is None else whole[: int(len(whole) * share)]
    (bundle / name).write_bytes(part)
    rewrite(bundle, lambda m: m["files"].update({name: file_hash(bundle / name)}))
    with pytest.raises(BundleError):
        load_bundle(bundle)
