from step210 import SCALE
