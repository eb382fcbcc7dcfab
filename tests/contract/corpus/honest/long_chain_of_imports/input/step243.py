from step244 import SCALE
