from step97 import SCALE
