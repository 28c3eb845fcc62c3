#!/usr/bin/env bash
# Makes the site of all submissions, in public/.
set -euo pipefail
cd "$(dirname "$0")"
harness publish submissions/*.harness.zip --reported reported.toml --out public
