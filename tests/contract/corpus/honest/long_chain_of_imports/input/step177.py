from step178 import SCALE
