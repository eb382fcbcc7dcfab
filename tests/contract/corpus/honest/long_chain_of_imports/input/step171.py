from step172 import SCALE
