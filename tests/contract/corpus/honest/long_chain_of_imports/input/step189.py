from step190 import SCALE
