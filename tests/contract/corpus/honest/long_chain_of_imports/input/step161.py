from step162 import SCALE
