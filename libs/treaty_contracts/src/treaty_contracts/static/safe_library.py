"""The safe standard-library set: modules and names plugin code may use, and nothing else.

A name is here when it computes: no files, no processes, no network, no clock, no chance, no threads, no
other module's state, no code from data, no way back to the interpreter. docs/findings/safe-library.md argues
each exclusion. The table is data so that a verdict does not depend on the Python that makes it.
"""

from __future__ import annotations

__all__ = ["SAFE", "WHY_NOT"]

_TABLE = """
__future__: absolute_import annotations division generator_stop print_function unicode_literals
abc: ABC ABCMeta abstractclassmethod abstractmethod abstractproperty abstractstaticmethod
array: ArrayType array typecodes
ast: literal_eval
base64: a85decode a85encode b16decode b16encode b32decode b32encode b32hexdecode b32hexencode b64decode
  b64encode b85decode b85encode decodebytes encodebytes standard_b64decode standard_b64encode
  urlsafe_b64decode urlsafe_b64encode
binascii: Error Incomplete a2b_base64 a2b_hex a2b_qp a2b_uu b2a_base64 b2a_hex b2a_qp b2a_uu crc32 crc_hqx
  hexlify unhexlify
bisect: bisect bisect_left bisect_right insort insort_left insort_right
bz2: BZ2Compressor BZ2Decompressor compress decompress
calendar: Calendar FRIDAY IllegalMonthError IllegalWeekdayError MONDAY SATURDAY SUNDAY THURSDAY TUESDAY
  WEDNESDAY calendar day_abbr day_name firstweekday isleap leapdays month month_abbr month_name
  monthcalendar monthrange  timegm weekday weekheader
cmath: acos acosh asin asinh atan atanh cos cosh e exp inf infj isclose isfinite isinf isnan log log10 nan
  nanj phase pi polar rect sin sinh sqrt tan tanh tau
codecs: BOM_UTF16 BOM_UTF16_BE BOM_UTF16_LE BOM_UTF8 ascii_decode ascii_encode decode encode
  getincrementaldecoder getincrementalencoder latin_1_decode latin_1_encode utf_8_decode utf_8_encode
collections: ChainMap Counter OrderedDict UserDict UserList UserString defaultdict deque namedtuple
collections.abc: AsyncGenerator AsyncIterable AsyncIterator Awaitable Buffer ByteString Callable Collection
  Container Coroutine Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView
  MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized ValuesView
colorsys: hls_to_rgb hsv_to_rgb rgb_to_hls rgb_to_hsv rgb_to_yiq yiq_to_rgb
contextlib: AbstractContextManager ContextDecorator ExitStack closing contextmanager nullcontext suppress
contextvars: Context ContextVar Token copy_context
copy: Error copy deepcopy
csv: Dialect DictReader DictWriter Error QUOTE_ALL QUOTE_MINIMAL QUOTE_NONE QUOTE_NONNUMERIC Sniffer excel
  excel_tab field_size_limit get_dialect list_dialects reader unix_dialect
  writer
dataclasses: Field FrozenInstanceError InitVar KW_ONLY MISSING asdict astuple dataclass field fields
  is_dataclass replace
datetime: MAXYEAR MINYEAR UTC date datetime time timedelta timezone tzinfo
decimal: BasicContext Clamped Context ConversionSyntax Decimal DecimalException DecimalTuple DefaultContext
  DivisionByZero DivisionImpossible DivisionUndefined ExtendedContext FloatOperation HAVE_CONTEXTVAR
  HAVE_THREADS Inexact InvalidContext InvalidOperation MAX_EMAX MAX_PREC MIN_EMIN MIN_ETINY Overflow
  ROUND_05UP ROUND_CEILING ROUND_DOWN ROUND_FLOOR ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP
  Rounded Subnormal Underflow localcontext
difflib: Differ IS_CHARACTER_JUNK IS_LINE_JUNK Match SequenceMatcher context_diff diff_bytes
  get_close_matches ndiff restore unified_diff
enum: CONFORM CONTINUOUS EJECT Enum EnumCheck EnumMeta EnumType Flag FlagBoundary IntEnum IntFlag KEEP
  NAMED_FLAGS ReprEnum STRICT StrEnum UNIQUE auto
  member nonmember pickle_by_enum_name pickle_by_global_name property unique verify
fractions: Fraction
functools: WRAPPER_ASSIGNMENTS WRAPPER_UPDATES cache cached_property cmp_to_key lru_cache partial
  partialmethod reduce singledispatch singledispatchmethod total_ordering update_wrapper wraps
graphlib: CycleError TopologicalSorter
gzip: BadGzipFile compress decompress
hashlib: algorithms_available algorithms_guaranteed blake2b blake2s md5 new pbkdf2_hmac sha1 sha224 sha256
  sha384 sha3_224 sha3_256 sha3_384 sha3_512 sha512 shake_128 shake_256
heapq: heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest
hmac: HMAC compare_digest digest digest_size new trans_36 trans_5C
html: escape unescape
http: HTTPMethod HTTPStatus
io: BytesIO SEEK_CUR SEEK_END SEEK_SET StringIO UnsupportedOperation
ipaddress: AddressValueError IPV4LENGTH IPV6LENGTH IPv4Address IPv4Interface IPv4Network IPv6Address
  IPv6Interface IPv6Network NetmaskValueError collapse_addresses get_mixed_type_key ip_address ip_interface
  ip_network summarize_address_range v4_int_to_packed v6_int_to_packed
itertools: accumulate batched chain combinations combinations_with_replacement compress count cycle
  dropwhile filterfalse groupby islice pairwise permutations product repeat starmap takewhile tee
  zip_longest
json: JSONDecodeError JSONDecoder JSONEncoder dump dumps load loads
json.decoder: JSONDecodeError JSONDecoder
json.encoder: JSONEncoder
keyword: iskeyword issoftkeyword kwlist softkwlist
logging: CRITICAL DEBUG ERROR FATAL Filter INFO LogRecord Logger LoggerAdapter NOTSET NullHandler WARN
  WARNING critical debug error exception getLevelName getLogger info log warning
lzma: FILTER_LZMA1 FILTER_LZMA2 FORMAT_ALONE FORMAT_AUTO FORMAT_RAW FORMAT_XZ LZMACompressor
  LZMADecompressor LZMAError compress decompress
math: acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc exp
  exp2 expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm
  ldexp lgamma log log10 log1p log2 modf nan nextafter perm pi pow prod radians remainder sin sinh sqrt tan
  tanh tau trunc ulp
numbers: Complex Integral Number Rational Real
operator: abs add and_ attrgetter call concat contains countOf delitem eq floordiv ge getitem gt iadd iand
  iconcat ifloordiv ilshift imatmul imod imul index indexOf inv invert ior ipow irshift is_ is_not isub
  itemgetter itruediv ixor le length_hint lshift lt matmul methodcaller mod mul ne neg not_ or_ pos pow
  rshift setitem sub truediv truth xor
os.path: basename commonprefix dirname join normpath sep split splitext
pathlib: PurePath PurePosixPath PureWindowsPath
plistlib: FMT_BINARY FMT_XML InvalidFileException UID dumps loads
posixpath: basename commonprefix dirname join normpath sep split splitext
pprint: PrettyPrinter isreadable isrecursive pformat saferepr
random: Random
quopri: decodestring encodestring
re: A ASCII DEBUG DOTALL I IGNORECASE L LOCALE M MULTILINE Match NOFLAG Pattern RegexFlag S U UNICODE
  VERBOSE X compile error escape findall finditer fullmatch match purge search split sub subn template
reprlib: Repr recursive_repr repr
statistics: NormalDist StatisticsError correlation covariance fmean geometric_mean harmonic_mean
  linear_regression mean median median_grouped median_high median_low mode multimode pstdev pvariance
  quantiles stdev variance
string: Template ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable
  punctuation whitespace
stringprep: b1_set b3_exceptions c22_specials c6_set c7_set c8_set c9_set in_table_a1 in_table_b1
  in_table_c11 in_table_c11_c12 in_table_c12 in_table_c21 in_table_c21_c22 in_table_c22 in_table_c3
  in_table_c4 in_table_c5 in_table_c6 in_table_c7 in_table_c8 in_table_c9 in_table_d1 in_table_d2
  map_table_b2 map_table_b3 unicodedata
struct: Struct calcsize error iter_unpack pack pack_into unpack unpack_from
sys: api_version byteorder float_info getsizeof hash_info hexversion implementation int_info intern maxsize
  maxunicode platform version version_info
threading: Lock RLock local
textwrap: TextWrapper dedent fill indent shorten wrap
time: gmtime strftime strptime struct_time
tomllib: TOMLDecodeError load loads
types: DynamicClassAttribute EllipsisType GenericAlias MappingProxyType MethodType NoneType
  NotImplementedType SimpleNamespace UnionType get_original_bases resolve_bases
typing: AbstractSet Annotated Any AnyStr AsyncContextManager AsyncGenerator AsyncIterable AsyncIterator
  Awaitable BinaryIO ByteString Callable ChainMap ClassVar Collection Concatenate Container ContextManager
  Coroutine Counter DefaultDict Deque Dict Final FrozenSet Generator Generic Hashable IO ItemsView Iterable
  Iterator KeysView List Literal LiteralString Mapping MappingView Match MutableMapping MutableSequence
  MutableSet NamedTuple Never NewType NoDefault NoReturn NotRequired Optional OrderedDict ParamSpec
  ParamSpecArgs ParamSpecKwargs Pattern Protocol ReadOnly Required Reversible Self Sequence Set Sized
  SupportsAbs SupportsBytes SupportsComplex SupportsFloat SupportsIndex SupportsInt SupportsRound
  TYPE_CHECKING Text TextIO Tuple Type TypeAlias TypeAliasType TypeGuard TypeIs TypeVar TypeVarTuple
  TypedDict Union Unpack ValuesView assert_never assert_type cast clear_overloads dataclass_transform final
  get_args get_origin get_overloads get_protocol_members is_protocol is_typeddict no_type_check
  no_type_check_decorator overload override reveal_type runtime_checkable
unicodedata: UCD bidirectional category combining decimal decomposition digit east_asian_width is_normalized
  lookup mirrored name normalize numeric ucd_3_2_0 unidata_version
urllib.parse: DefragResult DefragResultBytes ParseResult ParseResultBytes SplitResult SplitResultBytes
  parse_qs parse_qsl quote quote_from_bytes quote_plus unquote unquote_plus unquote_to_bytes urldefrag
  urlencode urljoin urlparse urlsplit urlunparse urlunsplit
uuid: NAMESPACE_DNS NAMESPACE_OID NAMESPACE_URL NAMESPACE_X500 RESERVED_NCS RFC_4122 SafeUUID UUID uuid3
  uuid5
warnings: deprecated warn
weakref: ProxyType ReferenceType WeakKeyDictionary WeakMethod WeakSet WeakValueDictionary proxy ref
xml.etree.ElementTree: Comment Element ParseError QName SubElement XML fromstring fromstringlist
  indent iselement tostring tostringlist
zlib: DEFLATED DEF_BUF_SIZE DEF_MEM_LEVEL MAX_WBITS ZLIB_RUNTIME_VERSION ZLIB_VERSION Z_BEST_COMPRESSION
  Z_BEST_SPEED Z_BLOCK Z_DEFAULT_COMPRESSION Z_DEFAULT_STRATEGY Z_FILTERED Z_FINISH Z_FIXED Z_FULL_FLUSH
  Z_HUFFMAN_ONLY Z_NO_COMPRESSION Z_NO_FLUSH Z_PARTIAL_FLUSH Z_RLE Z_SYNC_FLUSH Z_TREES adler32 compress
  compressobj crc32 decompress decompressobj error
zoneinfo: ZoneInfo ZoneInfoNotFoundError
"""


def _read(table: str) -> dict[str, frozenset[str]]:
    joined = table.strip().replace("\n  ", " ")
    rows = (line.split(": ", 1) for line in joined.splitlines())
    return {module: frozenset(names.split()) for module, names in rows}


SAFE: dict[str, frozenset[str]] = _read(_TABLE)

_REASONS = {
    "it reads the clock: take time from uplink.received_at": "time",
    "its values come by chance: a replay must give the same reading": "random secrets",
    "it loads or makes code at run time": (
        "importlib imp pkgutil runpy zipimport code codeop compileall py_compile site builtins modulefinder"
    ),
    "it rebuilds objects from data, which can run any code": (
        "pickle pickletools marshal shelve copyreg dbm"
    ),
    "it reaches the interpreter's own objects": (
        "sys gc inspect dis opcode traceback linecache tracemalloc faulthandler ctypes _ctypes "
        "atexit pdb bdb trace cProfile profile sysconfig"
    ),
    "it opens files": (
        "os pathlib io shutil tempfile glob fnmatch fileinput mmap zipfile tarfile sqlite3 stat "
        "posix nt posixpath ntpath genericpath filecmp"
    ),
    "it starts processes": "subprocess multiprocessing pty popen2 signal",
    "it starts threads": "threading _thread concurrent queue sched asyncio selectors",
    "it speaks to the network": (
        "socket ssl http urllib ftplib smtplib poplib imaplib telnetlib xmlrpc socketserver select "
        "wsgiref webbrowser nntplib"
    ),
    "it depends on the host": "platform locale getpass pwd grp resource syslog gettext",
}
WHY_NOT: dict[str, str] = {
    module: reason for reason, modules in _REASONS.items() for module in modules.split()
}
"""Why a well-known module is not in the set, for the finding's hint."""
