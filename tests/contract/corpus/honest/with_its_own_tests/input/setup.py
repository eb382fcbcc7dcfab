from setuptools import find_packages, setup
setup(name='acme', version='1.0.0', packages=find_packages())
