# SPDX-License-Identifier: Apache-2.0
"""The policy engine against its oracle on fresh seeds, until one case differs or time is up."""
import os
import subprocess
import sys


def main():
    program = os.path.join(os.environ["OSH_SOURCE"], "tests", "oracle", "differential.py")
    runner = os.path.join(os.environ["OSH_BUILD"], "tests", "vectors", "osh-vectors")
    return subprocess.run([sys.executable, "-B", program, runner, "--seconds", sys.argv[1]],
                          check=False).returncode


sys.exit(main())
