from step58 import SCALE
