from step246 import SCALE
