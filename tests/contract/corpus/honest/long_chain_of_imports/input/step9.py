from step10 import SCALE
