#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The end-to-end tests with a host that has AddressSanitizer and UndefinedBehaviorSanitizer.
# As root each file runs once more as an ordinary user. A file is begun until SECONDS are over,
# another one first each day; 600 seconds are enough for all.
set -euo pipefail
. scripts/sanitized-build
. tests/long/e2e-files

export LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
sanitized_setup build-asan address,undefined
ninja -C build-asan --quiet
run_e2e_files build-asan "$1"
