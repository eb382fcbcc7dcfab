from step142 import SCALE
