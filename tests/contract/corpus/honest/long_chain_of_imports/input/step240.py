from step241 import SCALE
