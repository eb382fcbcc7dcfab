from step115 import SCALE
