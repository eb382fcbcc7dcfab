from step146 import SCALE
