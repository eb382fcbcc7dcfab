from step89 import SCALE
