from step144 import SCALE
