from step193 import SCALE
