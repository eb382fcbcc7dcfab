from step111 import SCALE
