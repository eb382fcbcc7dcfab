from step153 import SCALE
