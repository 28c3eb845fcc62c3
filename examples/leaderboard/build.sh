#!/usr/bin/env bash
# Makes the site of all submissions, in public/.
set -euo pipefail
cd "$(dirname "$0")"
shopt -s nullglob
submissions=(submissions/*.harness.zip)
if [ ${#submissions[@]} -eq 0 ]; then
    echo "There is no submission yet." >&2
    exit 0
fi
harness publish "${submissions[@]}" --reported reported.toml --out public
