"""``python -m passerby``."""

import sys

from passerby.cli import main

sys.exit(main())
