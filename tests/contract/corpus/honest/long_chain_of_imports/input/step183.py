from step184 import SCALE
