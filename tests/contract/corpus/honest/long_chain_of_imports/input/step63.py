from step64 import SCALE
