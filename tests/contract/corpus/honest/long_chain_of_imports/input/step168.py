from step169 import SCALE
