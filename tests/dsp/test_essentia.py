"""mer.dsp.essentia: the library, silent."""

import subprocess
import sys


def test_the_import_writes_nothing():
    """Essentia writes a line on its classifiers while its algorithms are imported."""
    command = [sys.executable, "-c", "from mer.dsp.essentia import essentia; essentia()"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
