"""python -m treaty_ingestion"""

import sys

from treaty_ingestion.app import main

if __name__ == "__main__":
    sys.exit(main())
