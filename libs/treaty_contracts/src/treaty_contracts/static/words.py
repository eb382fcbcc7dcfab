"""The names that lead out of plugin code, and those that do not."""

from __future__ import annotations

import re

__all__ = [
    "BUILTINS",
    "CHANGING",
    "CHANGING_FIRST",
    "CLASSES",
    "CODE_BUILTINS",
    "DUNDERS",
    "ENDINGS",
    "HIDDEN",
    "HIDDEN_INSIDE",
    "LOGGING",
    "NAMES",
    "OF_LOGGERS",
    "REACHING",
    "REFUSED_TOOLS",
    "RUNNING_OUT",
    "TOOLS_OF_OS",
    "UNSETTABLE",
    "is_dunder",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CODE_BUILTINS = _words("exec eval compile")

BUILTINS = {
    "__import__": ("X302", "imports whatever it is told"),
    "open": ("X304", "opens files"),
    "input": ("X304", "reads from the terminal"),
    "breakpoint": ("X304", "starts a debugger"),
    "globals": ("X304", "gives away the module's names, and the builtins with them"),
    "locals": ("X304", "gives away a scope's names"),
    "exit": ("X304", "ends the process"),
    "quit": ("X304", "ends the process"),
    "help": ("X304", "starts a pager"),
    "id": ("X319", "gives another value in each process"),
}
"""Builtins plugin code does without: the finding's code and why."""

NAMES = _words(
    "__name__ __doc__ __file__ __package__ __debug__ __class__ __qualname__ __module__ __all__ __version__"
)
"""Names with underscores that a module may read without defining them."""

ENDINGS = _words("SystemExit KeyboardInterrupt GeneratorExit BaseException")

REACHING = _words(
    """
    gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await cr_origin ag_frame ag_code ag_await f_globals
    f_builtins f_locals f_back f_code f_trace tb_frame tb_next func_globals func_code co_code co_consts
    co_names _convert_ cell_contents _evaluate _eval_type _getframe
    """
)
"""Attributes of frames, code and forward references: from any of them every module can be reached."""

CLASSES = _words("mro")
"""Methods of classes that lead to classes above them."""

OF_LOGGERS = _words(
    """
    handlers manager parent root addHandler removeHandler setLevel filters addFilter removeFilter propagate
    disabled
    """
)
"""What another's logger is changed by."""

DUNDERS = _words(
    """
    __name__ __qualname__ __doc__ __module__ __init__ __new__ __class__ __dict__ __version__ __members__
    __post_init__ __enter__ __exit__ __str__ __repr__ __eq__ __ne__ __hash__ __len__ __iter__ __next__
    __getitem__ __setitem__ __delitem__ __contains__ __call__ __add__ __radd__ __iadd__ __sub__ __rsub__
    __mul__ __rmul__ __or__ __ror__ __and__ __rand__ __xor__ __rxor__ __invert__ __neg__ __pos__ __abs__
    __truediv__ __floordiv__ __mod__ __pow__ __lshift__ __rshift__ __init_subclass__ __set_name__ __get__
    __set__ __delete__ __slots__ __dataclass_fields__ __wrapped__ __origin__ __args__ __match_args__
    __setattr__ __format__ __bool__ __int__ __float__ __index__ __bytes__ __lt__ __le__ __gt__ __ge__
    __cause__ __context__ __notes__ __missing__ __class_getitem__ __copy__ __deepcopy__ __sizeof__
    __reversed__ __round__ __trunc__ __floor__ __ceil__ __optional_keys__ __required_keys__ __total__
    __supertype__ __value__ __all__ __file__ __author__ __suppress_context__ __traceback__ __metadata__
    __fspath__ __del__ __length_hint__ __getattr__ __delattr__ __divmod__ __matmul__ __isub__ __imul__
    __ior__ __iand__ __ixor__ __instancecheck__ __subclasscheck__ __prepare__ __abstractmethods__
    __orig_bases__ __orig_class__ __parameters__ __bound__ __constraints__
    """
)
"""Special attributes that lead nowhere else; every other one is refused."""

UNSETTABLE = _words(
    "__class__ __dict__ __bases__ __wrapped__ __signature__ __call__ __new__ __init__ __annotations__"
)

HIDDEN = (
    _words(
        """
        __globals__ __builtins__ __subclasses__ __import__ __code__ __closure__ __loader__ __spec__
        __mro__ __bases__ __base__ __getattribute__ __reduce__ __reduce_ex__ __func__ __self__
        __kwdefaults__ __defaults__ __signature__ __annotations__ __annotate__ __build_class__
        """
    )
    | REACHING
)
"""Names that must not even be spelt in a text: a text can become an attribute, a class or a format."""

HIDDEN_INSIDE = re.compile(
    "(?=("
    + "|".join(
        sorted((word for word in HIDDEN if word.startswith("__")), key=lambda word: (-len(word), word))
    )
    + "))"
)
"""Those of them that count inside a longer text as well."""

LOGGING = _words("debug info warning error critical exception log warn fatal")

CHANGING = _words(
    """
    append extend insert remove pop clear update setdefault add discard popitem sort reverse appendleft
    extendleft popleft rotate subtract difference_update intersection_update symmetric_difference_update
    move_to_end write writelines send throw __next__ __setitem__ __delitem__ __iadd__ __ior__ __setattr__
    """
)
"""Methods that change their object."""

CHANGING_FIRST = _words(
    """
    next setattr delattr vars operator.setitem operator.delitem operator.iadd operator.iconcat operator.ior
    heapq.heappush heapq.heappop heapq.heapify heapq.heappushpop heapq.heapreplace bisect.insort
    bisect.insort_left bisect.insort_right
    """
)
"""Functions that change their first argument."""

RUNNING_OUT = _words(
    """
    iter map filter zip enumerate reversed itertools.count itertools.cycle itertools.repeat itertools.chain
    itertools.chain.from_iterable itertools.islice itertools.accumulate itertools.product itertools.starmap
    itertools.permutations itertools.combinations itertools.compress itertools.takewhile itertools.dropwhile
    itertools.groupby itertools.zip_longest itertools.pairwise random.Random io.BytesIO io.StringIO csv.reader
    struct.iter_unpack re.finditer zlib.compressobj zlib.decompressobj
    """
)
"""What gives something else each time it is asked: shared by calls, it counts them."""

REFUSED_TOOLS = _words(
    """
    subprocess socket socketserver ctypes _ctypes pickle marshal shelve dill multiprocessing urllib http
    ssl
    asyncio pty tty signal shutil ftplib smtplib imaplib poplib telnetlib xmlrpc requests httpx aiohttp
    paramiko runpy code codeop builtins concurrent threading _thread webbrowser posix nt _posixsubprocess gc
    inspect importlib imp pkgutil zipimport tempfile fcntl mmap resource
    """
)
"""Modules that a package's own tests and tools do without."""

TOOLS_OF_OS = _words(
    "path environ getenv sep linesep fspath getcwd listdir scandir walk name PathLike curdir"
)
"""What they may use of os."""


def is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
