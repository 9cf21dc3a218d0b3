"""`wrk` as load generator, with a script that sends other messages in turn.

After a refusal it waits for the second that `Retry-After` names, as a client should.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from eval.bench.figures import Level
from eval.bench.load import LoadFailedError

_SCRIPT: Final = """
local requests, sent, paused = {}, 0, 0
refused, failed = 0, 0
local thread
function setup(given) thread = given end
function init(args)
  local headers = {["Content-Type"] = "application/json"}
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", wrk.path, headers, line)
  end
end
function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end
function response(status)
  if status == 503 or status == 429 then
    refused = refused + 1
    paused = paused + 1
  elseif status ~= 200 then
    failed = failed + 1
  end
end
function delay()
  if paused == 0 then return 0 end
  paused = paused - 1
  return 1000
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\n{"us":%d,"all":%d,"refused":%d,"failed":%d,"broken":%d,"p50":%d,"p99":%d}\\n',
    summary.duration, summary.requests, thread:get("refused"), thread:get("failed"),
    e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


def available() -> bool:
    """Whether `wrk` is installed."""
    return shutil.which("wrk") is not None


def read(output: str, connections: int, cpu_s: float) -> Level:
    """The figures in the last line that the script wrote.

    Raises:
        ValueError: there are none.
    """
    told = json.loads(output.strip().splitlines()[-1])
    bad = told["refused"] + told["failed"]
    return Level(
        connections=connections,
        seconds=told["us"] / 1e6,
        answered=told["all"] - bad,
        refused=told["refused"],
        failed=told["failed"] + told["broken"],
        p50_ms=told["p50"] / 1_000,
        p99_ms=told["p99"] / 1_000,
        load_cpu_s=cpu_s,
        server_cpu_s=0.0,
    )


def measure(url: str, bodies: Path, connections: int, seconds: int, folder: Path) -> Level:
    """Send the lines of `bodies` to `url` over so many connections, in a closed loop.

    Raises:
        LoadFailedError: `wrk` failed; its own words are part of the message.
    """
    script = folder / "wrk.lua"
    script.write_text(_SCRIPT, encoding="utf-8")
    before = os.times()
    done = subprocess.run(  # noqa: S603 - no shell
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",  # noqa: S607
         "-s", str(script), url, "--", str(bodies)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise LoadFailedError(f"wrk ended with {done.returncode}: {done.stderr.strip()}")
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return read(done.stdout, connections, spent)
