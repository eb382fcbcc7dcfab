from step27 import SCALE
