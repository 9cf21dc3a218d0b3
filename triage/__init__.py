"""Routes citizens' messages in Chinese to departments of a procuratorate; see `triage.pipeline`."""

import os

# Published builds of ONNX Runtime keep a device id and report to their maker, from their own
# thread, unless told not to before they are loaded. Nothing here may open a connection by itself.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
