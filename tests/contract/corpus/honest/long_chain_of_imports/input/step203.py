from step204 import SCALE
