from step45 import SCALE
