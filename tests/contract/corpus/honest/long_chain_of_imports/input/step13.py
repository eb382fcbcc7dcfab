from step14 import SCALE
