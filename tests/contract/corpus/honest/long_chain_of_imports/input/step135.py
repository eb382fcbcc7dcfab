from step136 import SCALE
