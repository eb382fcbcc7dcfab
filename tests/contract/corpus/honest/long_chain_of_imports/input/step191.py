from step192 import SCALE
