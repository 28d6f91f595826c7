"""Programs that write to disks and partitions, or do away with them."""

from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import HOLE, NOTHING, Call, Outcome, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.places import locate


class _Tool(NamedTuple):
    """How a program that writes to devices reads its command line. From the manuals."""

    valued: str = ""
    """Options that take a value."""

    harmless: str = ""
    """Options with which nothing is written."""

    writing: str = ""
    """Options of which one must be given for anything to be written; empty: it always writes."""

    reading: str = ""
    """Operands after the device with which nothing is written."""

    trait: str = "formatted"


_MKFS = _Tool("t L n type label", "help version V")
_MKE2FS = _Tool("t L", "n help version V")
_PARTED = "print unit help version align-check select quit check p"
_SFDISK_READS = (
    "l list d dump J json g show-geometry s show-size F list-free V verify n no-act T list-types help version "
    "show-pt-geometry"
)
_SGDISK_WRITES = (
    "Z zap-all z zap o clear n new d delete t typecode c change-name g mbrtogpt G randomize-guids l load-backup e "
    "move-second-header m gpttombr h hybrid r transpose R replicate s sort u partition-guid U disk-guid A attributes"
)
_HDPARM_WRITES = (
    "security-erase security-erase-enhanced security-set-pass dco-restore trim-sector-ranges write-sector "
    "make-bad-sector repair-sector fwdownload N"
)
_TOOLS: dict[str, _Tool] = {
    **dict.fromkeys(("mke2fs", "mkfs.ext2", "mkfs.ext3", "mkfs.ext4"), _MKE2FS),
    "mkfs": _MKFS._replace(harmless="help version"),  # its -V is only verbose
    **dict.fromkeys(
        "mkswap mkntfs mkdosfs mkexfatfs newfs newfs_apfs newfs_hfs newfs_msdos mkreiserfs mkudffs format ntfsclone "
        "make_f2fs".split(), _MKFS,
    ),
    "wipefs": _Tool("o t O offset types output backup", "n no-act help version", "a all o offset", trait="wiped"),
    "fdisk": _Tool("b C H S t o u color units output type", "l list s help version V x", trait="partitioned"),
    "cfdisk": _Tool("L color", "r read-only help version V", trait="partitioned"),
    "sfdisk": _Tool("A N o O X Y b color output label", _SFDISK_READS, trait="partitioned"),
    "gdisk": _Tool("", "l list help", trait="partitioned"),
    "cgdisk": _Tool("", "help", trait="partitioned"),
    "sgdisk": _Tool("n d t c l u A R h m", "P pretend help V version", _SGDISK_WRITES, trait="partitioned"),
    "parted": _Tool("a align", "l list help version h v", reading=_PARTED, trait="partitioned"),
    "blkdiscard": _Tool("o l p offset length step", "help version V", trait="wiped"),
    "badblocks": _Tool("b c d e i o p t", "help", "w", trait="wiped"),
    "hdparm": _Tool("security-erase security-set-pass user-master N", "help", _HDPARM_WRITES, trait="wiped"),
    **dict.fromkeys(
        ("tune2fs", "e2label", "xfs_admin", "ntfslabel", "fatlabel"),
        _Tool("c C e E g i I j J L m M o O Q r T u U z", "l h", "O E I j m e U o", trait="changed"),
    ),
    **dict.fromkeys(
        ("resize2fs", "xfs_growfs", "ntfsresize", "growpart"),
        _Tool("d S z s size", "i info n no-action P h help N dry-run", trait="changed"),
    ),
    **dict.fromkeys(
        ("xfs_repair", "reiserfsck", "debugfs", "xfs_db"),
        _Tool("l t m o r f R c", "n V h", "L w rebuild-tree rebuild-sb", trait="changed"),
    ),
    **dict.fromkeys(("fsck", "e2fsck"), _Tool("b B C E j l L z t r", "n N V help", "y p a f", trait="changed")),
    "ddrescue": _Tool("a b B c e E H i I J K L m o O r R s S T x X", "help version h V ask", trait="copied"),
    "sg_format": _Tool("", "help h", "F format", trait="wiped"),
    "sg_sanitize": _Tool("", "help h", trait="wiped"),
    "blkzone": _Tool("o l c", "help", trait="wiped"),
    **dict.fromkeys(("flash_erase", "flash_eraseall"), _Tool(trait="wiped")),
    **dict.fromkeys(("flashcp", "nandwrite"), _Tool(trait="copied")),
}  # fmt: skip
_READ_FIRST = frozenset({"ddrescue", "flashcp"})
"""Their first operand is only read."""


def outcome(call: Call, world: World) -> Outcome | None:
    """What a call writes to a device, or to a file that is used as one."""
    name = call.name
    tool = _TOOLS.get(name) or (_MKFS if name.startswith("mkfs.") else None)
    if tool is None:
        return None
    given = parse(call.argv[1:], tool.valued)
    if tool.harmless and given.has(*tool.harmless.split()):
        return NOTHING
    if tool.writing and not given.has(*tool.writing.split()):
        return NOTHING
    operands = given.operands
    if tool.reading and any(each in tool.reading.split() for each in operands[1:2]):
        return NOTHING
    if name in _READ_FIRST:
        targets = operands[1:2]
    else:
        # Which options take a value differs from one file system to the next; a device is never an option's value.
        targets = tuple(each for each in call.argv[1:] if each.startswith("/dev/") or HOLE in each) or operands[:1]
    return Outcome(tuple(_written(each, call, world, tool.trait) for each in targets))


def _written(path: str, call: Call, world: World, trait: str) -> Effect:
    located = locate(path, call.cwd, world)
    windows_drive = len(path.rstrip("/\\")) == len("c:") and path[1:2] == ":"
    if located.place in {"device", "unknown"} or windows_drive:
        return Effect(
            "write_device", located.path, "device" if windows_drive else located.place, call.traits | {trait}, call.text
        )
    return Effect("overwrite", located.path, located.place, call.traits | {trait, "image"}, call.text)
