from step99 import SCALE
