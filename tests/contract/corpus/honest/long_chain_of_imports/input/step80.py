from step81 import SCALE
