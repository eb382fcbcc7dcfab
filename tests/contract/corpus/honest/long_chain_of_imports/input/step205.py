from step206 import SCALE
