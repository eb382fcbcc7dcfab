from step157 import SCALE
