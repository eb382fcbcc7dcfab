from step40 import SCALE
