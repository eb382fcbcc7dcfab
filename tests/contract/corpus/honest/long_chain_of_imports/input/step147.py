from step148 import SCALE
