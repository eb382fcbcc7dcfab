from step117 import SCALE
