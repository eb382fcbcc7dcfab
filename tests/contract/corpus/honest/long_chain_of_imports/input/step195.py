from step196 import SCALE
