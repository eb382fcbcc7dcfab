from step182 import SCALE
