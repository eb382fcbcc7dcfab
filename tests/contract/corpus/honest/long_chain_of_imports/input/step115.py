from step116 import SCALE
