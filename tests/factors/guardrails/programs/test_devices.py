"""What is written to disks."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.programs import devices
from called import PROJECT, WORLD, call, effects, outcome


@pytest.mark.parametrize(
    "line",
    [
        "mkfs /dev/sda", "mkfs -V -t ext4 /dev/sda", "mkfs.ext4 -L data /dev/sda", "mkfs.xfs -f /dev/sda",
        "mkfs.fat -n NAME /dev/sda",
        "mkswap /dev/sda", "mke2fs -t ext4 /dev/sda", "wipefs -a /dev/sda", "wipefs --all /dev/sda", "fdisk /dev/sda",
        "sfdisk /dev/sda", "sgdisk -Z /dev/sda", "parted -s /dev/sda mklabel gpt", "parted /dev/sda rm 1",
        "blkdiscard -f /dev/sda",
        "badblocks -w /dev/sda", "badblocks -wsv /dev/sda", "tune2fs -O ^has_journal /dev/sda", "fsck -y /dev/sda",
        "hdparm --security-erase p /dev/sda", "ddrescue disk.img /dev/sda map", "xfs_repair -L /dev/sda",
        "flash_erase /dev/sda 0 0",
    ],
)  # fmt: skip
def test_a_disk_is_written_over(line: str) -> None:
    (effect,) = outcome(devices.outcome, line).effects
    assert (effect.kind, effect.target, effect.place) == ("write_device", "/dev/sda", "device")


@pytest.mark.parametrize(
    "line",
    [
        "mkfs.ext4 --help", "mkfs.ext4 -V", "mkfs.ext4 -n /dev/sda", "wipefs /dev/sda", "wipefs -n -a /dev/sda",
        "fdisk -l /dev/sda",
        "sfdisk -d /dev/sda", "sfdisk --json /dev/sda", "sgdisk -p /dev/sda", "parted /dev/sda print", "parted -l",
        "badblocks /dev/sda", "badblocks -n /dev/sda", "fsck -n /dev/sda", "fsck /dev/sda", "tune2fs -l /dev/sda",
        "hdparm -I /dev/sda",
    ],
)  # fmt: skip
def test_a_disk_is_only_looked_at(line: str) -> None:
    assert effects(outcome(devices.outcome, line)) == []


def test_a_file_that_is_used_as_a_disk_is_a_file() -> None:
    assert effects(outcome(devices.outcome, "mkfs.ext4 disk.img")) == [f"overwrite {PROJECT}/disk.img formatted,image"]


def test_a_disk_that_is_not_known_may_be_any() -> None:
    assert effects(outcome(devices.outcome, f"mkfs.ext4 {HOLE}")) == [f"write_device {HOLE} formatted"]


def test_a_drive_of_windows_is_a_disk() -> None:
    assert outcome(devices.outcome, "format C: /q").effects[0].kind == "write_device"


def test_other_programs_are_not_known() -> None:
    assert devices.outcome(call("lsblk /dev/sda"), WORLD) is None
