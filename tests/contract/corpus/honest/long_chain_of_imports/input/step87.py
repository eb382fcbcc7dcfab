from step88 import SCALE
