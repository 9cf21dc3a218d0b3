"""From labelled messages to a bundle. The only package that needs torch."""

import triage as _triage  # noqa: F401 - before onnxruntime, which it keeps from reporting
