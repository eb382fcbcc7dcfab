from step119 import SCALE
