"""Read a rulebook from disk: YAML safely, every file, all faults in one report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import yaml
from pydantic import ValidationError

from triage.errors import RulebookError
from triage.rules.faults import Fault, from_validation, summary
from triage.rules.schema import Header, Rule, Rulebook, RuleFile

_MAX_BYTES = 2 * 1024 * 1024


_TEXT, _LIST, _MAP = (f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))


def _value(loader: yaml.CSafeLoader, node: yaml.Node) -> object:
    """The value of a node; twice as fast as PyYAML's own construction in two passes."""
    if node.tag == _TEXT:
        return node.value
    if node.tag == _LIST:
        return [_value(loader, item) for item in node.value]
    if node.tag != _MAP:
        return loader.construct_object(node, deep=True)
    mapping: dict[str, object] = {}
    for key_node, value_node in node.value:
        key = _value(loader, key_node)
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(
                problem="项目名不是文字，请加引号", problem_mark=key_node.start_mark
            )
        # YAML would silently drop the first.
        if key in mapping:
            raise yaml.MarkedYAMLError(
                problem=f"“{key}”写了两次，请合并", problem_mark=key_node.start_mark
            )
        mapping[key] = _value(loader, value_node)
    return mapping


def _load(text: str) -> object:
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        return None if node is None else _value(loader, node)
    finally:
        loader.dispose()


def _yaml_fault(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"第 {mark.line + 1} 行第 {mark.column + 1} 列附近" if mark else "文件中"
    problem = str(getattr(error, "problem", "") or "")
    if problem.isascii():
        problem = "格式读不懂"
    return f"{where}：{problem}。请检查缩进（用空格）、冒号后的空格和引号是否成对"


def _parse(path: Path) -> Mapping[str, object] | Fault:
    try:
        if path.stat().st_size > _MAX_BYTES:
            return Fault(path.name, None, "文件超过 2 MB。请拆成几个文件")
        text = path.read_text(encoding="utf-8-sig")
    except OSError:
        return Fault(path.name, None, "文件打不开。请检查路径和权限")
    except UnicodeDecodeError:
        return Fault(path.name, None, "不是 UTF-8 编码。请用编辑器另存为 UTF-8")
    try:
        # An alias can blow a small file up to gigabytes, and nobody needs one here.
        if "*" in text and any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text)):
            return Fault(path.name, None, "用了 YAML 别名（*）。请直接写出内容")
        raw = _load(text)
    except (yaml.YAMLError, ValueError) as error:
        what = _yaml_fault(error) if isinstance(error, yaml.YAMLError) else "有不存在的日期"
        return Fault(path.name, None, what)
    except RecursionError:
        return Fault(path.name, None, "嵌套太深。请对照说明书检查")
    if not isinstance(raw, dict):
        return Fault(path.name, None, "内容应以“rulebook:”或“rules:”开头")
    return cast("Mapping[str, object]", raw)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(path.glob("*.yaml"))
        if not files:
            raise RulebookError(summary([Fault(path.name, None, "文件夹里没有 .yaml 文件")]))
        return files
    if not path.exists():
        raise RulebookError(summary([Fault(path.name, None, "找不到规则库。请检查路径")]))
    return [path]


def _read(path: Path, faults: list[Fault]) -> RuleFile | None:
    raw = _parse(path)
    if isinstance(raw, Fault):
        faults.append(raw)
        return None
    try:
        return RuleFile.model_validate(raw)
    except ValidationError as error:
        faults.extend(from_validation(path.name, error, raw))
        return None


def read_rulebook(path: Path) -> tuple[Rulebook, dict[str, str]]:
    """The merged rulebook of a file or directory, and the file name of each rule id.

    Raises:
        RulebookError: with all faults found, each naming file, rule and remedy.
    """
    faults: list[Fault] = []
    header: tuple[str, Header] | None = None
    rules: list[Rule] = []
    origin: dict[str, str] = {}
    unread = 0
    for file in _files(path):
        content = _read(file, faults)
        if content is None:
            unread += 1
            continue
        if content.rulebook is not None:
            if header is not None:
                faults.append(Fault(file.name, None, f"“rulebook”在 {header[0]} 里已经写过"))
            header = (file.name, content.rulebook)
        for rule in content.rules:
            author = rule.author or content.author
            if author is None:
                faults.append(Fault(file.name, rule.id, "缺少“author”。请在规则或文件开头写上"))
            if rule.id in origin:
                other = origin[rule.id]
                faults.append(Fault(file.name, rule.id, f"编号与 {other} 里的规则重复，请改名"))
            origin[rule.id] = file.name
            rules.append(rule.model_copy(update={"author": author}))
    if header is None and not unread:
        what = "缺少“rulebook: {name: …, version: …}”。请在一个文件开头写上"
        faults.append(Fault(path.name, None, what))
    if not rules and not faults:
        faults.append(Fault(path.name, None, "一条规则也没有"))
    if faults or header is None:
        raise RulebookError(summary(faults))
    return Rulebook(header=header[1], rules=tuple(rules)), origin
