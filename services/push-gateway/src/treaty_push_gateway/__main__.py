"""python -m treaty_push_gateway"""

import sys

from treaty_push_gateway.app import main

sys.exit(main())
