from step225 import SCALE
