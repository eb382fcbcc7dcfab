# coding: utf-7
def decode(payload: bytes, port: int) -> dict:
    return {}
#+AAo-import os
