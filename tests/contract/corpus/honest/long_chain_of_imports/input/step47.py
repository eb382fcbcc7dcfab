from step48 import SCALE
