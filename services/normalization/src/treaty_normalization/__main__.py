"""python -m treaty_normalization"""

import sys

from treaty_normalization.app import main

sys.exit(main())
