from . import net
