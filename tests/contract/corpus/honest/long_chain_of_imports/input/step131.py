from step132 import SCALE
