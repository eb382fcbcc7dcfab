from step147 import SCALE
