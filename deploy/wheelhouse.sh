#!/usr/bin/env bash
# Gathers every package of the service in build/wheelhouse, for machines without a package index.
#
# Run it where an index or a mirror of one can be reached (PIP_INDEX_URL), with the Python, system
# and processor that the service will have: wheels are for one kind of machine. PYTHON names that
# Python; in the base image itself it is sure to be the right one.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3.11}
house=build/wheelhouse
mkdir -p "$house"
for lock in build serve; do
    "$python" -m pip download --quiet --disable-pip-version-check \
        --require-hashes --requirement "requirements/$lock.txt" --dest "$house"
done
echo "$house: $(find "$house" -type f | wc -l) packages. Copy the repository with it."
