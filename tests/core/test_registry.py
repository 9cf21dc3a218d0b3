"""Bundles and rulebooks come into the registry tested, and are chosen in one step."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bundles import copied, rewrite
from triage.bundle import MODEL
from triage.errors import BundleError, RegistryError, RulebookError
from triage.pointer import POINTER, Selection, read_pointer, select
from triage.registry import Registry

RULES = """\
rulebook: {name: own, version: "1"}
rules:
  - id: wages
    label: civil
    any: [拖欠工资]
    weight: 1.0
    note: 试验
    author: 试验
    examples:
      hit: [老板拖欠工资]
"""


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def variant(folder: Path, created: str) -> Path:
    """A bundle like the embedded one, of another version."""
    bundle = copied(folder / created)
    rewrite(bundle, lambda m: m.update(created=created))
    return bundle


def current(registry: Registry) -> str:
    (found,) = (entry for entry in registry.entries("bundle") if entry.current)
    return found.version


def test_without_a_registry_the_embedded_ones_decide(registry: Registry) -> None:
    assert select(registry.directory) == Selection()
    (only,) = registry.entries("bundle")
    assert only.embedded
    assert only.current
    assert not registry.directory.exists()


def test_what_was_added_decides_only_when_it_is_promoted(
    registry: Registry, tmp_path: Path
) -> None:
    version = registry.add("bundle", variant(tmp_path, "2001-01-01"))
    assert current(registry) != version
    registry.promote("bundle", version)
    assert current(registry) == version
    assert Path(select(registry.directory).bundle).name == version


def test_a_bundle_can_be_rolled_back_step_by_step(registry: Registry, tmp_path: Path) -> None:
    embedded = current(registry)
    first, second = (
        registry.add("bundle", variant(tmp_path, day)) for day in ("2001-01-01", "2002-02-02")
    )
    registry.promote("bundle", first)
    registry.promote("bundle", second)
    assert [registry.rollback("bundle"), registry.rollback("bundle")] == [first, embedded]
    assert select(registry.directory) == Selection()
    with pytest.raises(RegistryError, match="nothing to go back to"):
        registry.rollback("bundle")


def test_the_embedded_bundle_can_be_promoted_again_and_follows_the_package(
    registry: Registry, tmp_path: Path
) -> None:
    embedded = current(registry)
    registry.promote("bundle", registry.add("bundle", variant(tmp_path, "2001-01-01")))
    registry.promote("bundle", embedded)
    assert read_pointer(registry.directory).bundle.current is None


def test_adding_the_same_twice_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    source = variant(tmp_path, "2001-01-01")
    assert registry.add("bundle", source) == registry.add("bundle", source)
    assert len(registry.entries("bundle")) == 2


def test_a_rulebook_file_is_added_and_promoted(registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(RULES, encoding="utf-8")
    version = registry.add("rulebook", file)
    assert version.startswith("own@1+")
    registry.promote("rulebook", version)
    assert Path(select(registry.directory).rulebook).name == version


def test_a_rulebook_whose_own_example_fails_is_refused(registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(RULES.replace("老板拖欠工资", "老板没给钱"), encoding="utf-8")
    with pytest.raises(RulebookError, match="没有命中"):
        registry.add("rulebook", file)
    assert len(registry.entries("rulebook")) == 1


def test_a_damaged_bundle_is_neither_added_nor_promoted(registry: Registry, tmp_path: Path) -> None:
    source = variant(tmp_path, "2001-01-01")
    version = registry.add("bundle", source)
    (source / MODEL).write_bytes(b"damaged")
    with pytest.raises(BundleError, match="altered"):
        registry.add("bundle", source)
    (registry.directory / "bundles" / version / MODEL).write_bytes(b"damaged")
    with pytest.raises(BundleError, match="altered"):
        registry.promote("bundle", version)
    assert select(registry.directory) == Selection()


@pytest.mark.parametrize("name", ["../../etc", "a b", "", "拖欠"])
def test_a_bundle_with_a_name_that_is_no_folder_is_refused(
    registry: Registry, tmp_path: Path, name: str
) -> None:
    bundle = variant(tmp_path, "2001-01-01")
    rewrite(bundle, lambda m: m.update(name=name))
    with pytest.raises(RegistryError, match="no name for a folder"):
        registry.add("bundle", bundle)


def test_an_unknown_version_says_what_to_do(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="add it first"):
        registry.promote("bundle", "estation@9.9.9+00000000")


def test_a_shadow_is_chosen_and_ended(registry: Registry, tmp_path: Path) -> None:
    version = registry.add("bundle", variant(tmp_path, "2001-01-01"))
    registry.shadow(version)
    assert Path(select(registry.directory).shadow or "").name == version
    registry.shadow(current(registry))
    assert select(registry.directory).shadow == ""
    registry.shadow(None)
    assert select(registry.directory).shadow is None


def test_a_damaged_pointer_is_named(registry: Registry, tmp_path: Path) -> None:
    registry.promote("bundle", registry.add("bundle", variant(tmp_path, "2001-01-01")))
    (registry.directory / POINTER).write_text("{", encoding="utf-8")
    with pytest.raises(RegistryError, match=POINTER):
        select(registry.directory)


def limited(most: int) -> Callable[[], None]:
    """No file may grow beyond so many bytes: what a full disk does to one who writes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def command(most: int | None, *words: str, models: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "triage.cli", "model", *words, "--models", str(models)],
        preexec_fn=limited(most) if most is not None else None,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_full_disk_leaves_what_decides_and_no_rest(registry: Registry, tmp_path: Path) -> None:
    source, models = variant(tmp_path, "2001-01-01"), registry.directory
    adding = command(1_000_000, "add", str(source), models=models)
    assert adding.returncode == 2
    assert adding.stderr.startswith(str(models))
    assert list((models / "bundles").iterdir()) == []
    version = command(None, "add", str(source), models=models).stdout.strip()
    promoting = command(0, "promote", version, models=models)
    assert promoting.returncode == 2
    assert "Traceback" not in promoting.stderr
    assert select(models) == Selection()
    assert not [file for file in models.iterdir() if file.name.endswith(".new")]
    assert command(None, "promote", version, models=models).returncode == 0
    assert Path(select(models).bundle).name == version
