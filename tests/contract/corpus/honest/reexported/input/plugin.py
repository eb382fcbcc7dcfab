from codec import decode
__all__ = ['decode']
