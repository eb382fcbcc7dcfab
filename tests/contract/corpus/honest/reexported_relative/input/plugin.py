from .inner.codec import read as decode
__all__ = ['decode']
