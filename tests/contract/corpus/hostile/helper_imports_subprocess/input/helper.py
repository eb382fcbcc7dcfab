import subprocess
def shell(command):
    return subprocess.getoutput(command)
