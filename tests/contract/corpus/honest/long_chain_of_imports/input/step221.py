from step222 import SCALE
