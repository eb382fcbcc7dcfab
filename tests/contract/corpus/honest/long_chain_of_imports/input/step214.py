from step215 import SCALE
