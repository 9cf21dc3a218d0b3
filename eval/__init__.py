"""Measures what a bundle is worth on labelled messages: metrics, baseline, benchmarks, report."""

import triage as _triage  # noqa: F401 - before onnxruntime, which it keeps from reporting
