from step60 import SCALE
