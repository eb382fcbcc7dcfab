from step217 import SCALE
