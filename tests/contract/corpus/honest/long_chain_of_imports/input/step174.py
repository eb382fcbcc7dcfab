from step175 import SCALE
