"""`python -m svgfusion_lib STAGE --flags`, the same as the command `svgfusion`."""

import sys

from svgfusion_lib.cli import main

sys.exit(main())
