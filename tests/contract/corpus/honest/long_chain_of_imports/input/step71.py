from step72 import SCALE
