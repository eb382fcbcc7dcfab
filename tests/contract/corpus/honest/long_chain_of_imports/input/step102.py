from step103 import SCALE
