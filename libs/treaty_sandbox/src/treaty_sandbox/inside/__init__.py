"""What runs in the template process and, after a fork, in a child.

Trusted code that shares an interpreter with untrusted code from the moment the package loads: nothing
it says after that is believed without a check.
"""
