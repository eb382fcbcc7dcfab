from step126 import SCALE
