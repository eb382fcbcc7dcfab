from step165 import SCALE
