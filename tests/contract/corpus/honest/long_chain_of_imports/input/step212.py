from step213 import SCALE
