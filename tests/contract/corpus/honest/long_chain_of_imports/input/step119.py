from step120 import SCALE
