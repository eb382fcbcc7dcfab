from step218 import SCALE
