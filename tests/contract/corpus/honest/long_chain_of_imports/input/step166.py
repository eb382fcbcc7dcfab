from step167 import SCALE
