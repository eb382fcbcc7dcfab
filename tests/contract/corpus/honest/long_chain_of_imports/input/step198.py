from step199 import SCALE
