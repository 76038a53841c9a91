"""Music emotion recognition: corpora, features, models and scores on one spine."""

import os

PARENT = os.getppid()  # asked before the seconds that other imports take, in which it may end
