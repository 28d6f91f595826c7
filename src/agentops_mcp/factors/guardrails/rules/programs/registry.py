"""Which module knows a program, and which one knows a language.

To teach the guard a program that needs more than a row in a pack, name it here and write it in its family's module.
"""

from importlib import import_module

from agentops_mcp.factors.guardrails.rules.calls import Call, Code, Outcome, World

_FAMILIES: dict[str, list[str]] = {}
_PROGRAMS = {
    # family: programs. Each family is a module here with `outcome(call: Call, world: World) -> Outcome | None`;
    # None means that it knows nothing of this call after all.
    "wrappers": (
        "abduco arch-chroot asdf aws-okta aws-vault busybox bwrap cabal caffeinate calife capsh catatonit catchsegv "
        "chamber choom chpst chronic chroot chrt command cpulimit cross-env cross-env-shell daemon daemonize "
        "dbus-launch dbus-run-session devbox devenv direnv doas doppler dotenv dotenvx dtach dtruss dumb-init "
        "eatmydata env env-cmd envchain envdir envuidgid fakechroot fakeroot faketime firejail flatpak-spawn flock "
        "fnm foreman gdbserver genv gksudo gnice gnohup gosu gstdbuf gtime gtimeout guix heaptrack honcho i386 ifne "
        "infisical ionice ip jenv kdesudo lerna linux32 linux64 ltrace machinectl mise mix nice nix nix-shell "
        "nocache nodemon nodenv nohup nsenter numactl nvm nx op opam perf pkexec please prlimit proot proxychains "
        "proxychains4 pyenv rbenv reflex retry rr rtk rtx run0 runcon runuser rvm s6-setuidgid script setarch "
        "setpriv setsid setuidgid sg softlimit sops ssh-agent stack stdbuf strace su su-exec sudo systemd-inhibit "
        "systemd-run taskset teller time timeout tini torify torsocks toybox trickle tsocks unbuffer unshare "
        "valgrind volta watch watchexec winpty with-contenv x86_64 xcrun xvfb-run"
    ),
    "wrappers_lines": "at batch concurrently entr gxargs hyperfine parallel rush sem xargs",
    "wrappers_packages": (
        "bun bundle bundler bunx composer conda dotnet hatch mamba micromamba npm npx pdm pipenv pipx pixi pnpm "
        "pnpx poetry rye spack tox uv uvx yarn"
    ),
    "wrappers_containers": "docker docker-compose finch lima nerdctl podman podman-compose",
    "wrappers_remote": (
        "adb aptible autossh aws az bolt cf clush colima crictl cssh ctr dbclient devcontainer distrobox doctl "
        "dokku dsh eb fab flatpak fly flyctl gcloud heroku incus k3s kamal knife kubectl limactl lxc lxc-attach "
        "microk8s minikube mosh multipass nomad nsc oc orb parallel-ssh pdsh pssh railway remsh rsh salt salt-call "
        "salt-ssh slogin ssh sshpass toolbox tsh vagrant wsl"
    ),
    "wrappers_terminals": (
        "alacritty byobu expect foot gnome-terminal kitty konsole lxterminal mate-terminal rxvt screen st "
        "terminator tilix tmate tmux urxvt uxterm wezterm x-terminal-emulator xfce4-terminal xterm zellij"
    ),
    "shells": (
        "ash bash bash.static csh dash elvish fish hush ksh ksh93 lksh mksh nu oksh osh pdksh posh rbash rksh "
        "rzsh sh tcsh xonsh yash ysh zsh"
    ),
    "shells_powershell": "cmd powershell powershell_ise pwsh pwsh-preview",
    "shells_programs": (
        "ed emacs emacsclient ex gdb gmake gvim less lldb make man more nvim osascript red rvim tclsh vi view vim "
        "vimdiff wish"
    ),
    "filters": (
        "ack ag b2sum b3sum bat batcat bcat buffer bzgrep cat ccat ccze cksum clip cmp colordiff column comm csvcut "
        "csvgrep csvlook cut dasel delta diff diff3 difft dos2unix egrep expand fgrep file fmt fold fx gcat gdiff "
        "ggrep ghead glow gojq grep gron gtail gtee head hexyl highlight htmlq icdiff jaq join jp jq lolcat look lv "
        "mcat md5 md5sum mdcat micro mlr most nano nl paste pbcopy pbpaste pcre2grep pcregrep pg pico pr pt pup pv "
        "pygmentize rg sdiff sha1sum sha224sum sha256sum sha384sum sha512sum shasum shuf sift sort source-highlight "
        "sponge stat strings sum tac tail tee tomlq ts tsort ugrep ul unexpand uniq unix2dos wc wdiff wl-copy "
        "wl-paste xclip xmllint xmlstarlet xq xsel xxhsum xzgrep yq zgrep zless zmore"
    ),
    "filters_print": (
        ": [ [[ basename dirname echo false gecho gmktemp gprintf greadlink grealpath gseq logname mktemp printenv "
        "printf pwd readlink realpath seq sleep test true wait which whoami yes"
    ),
    "filters_decode": (
        "age ansible-vault ascii85 b64decode base32 base58 base64 base64decode basenc brcat brotli bunzip2 bzcat "
        "bzip2 caesar compress gbase64 god gpg gpg2 gtr gunzip gzcat gzip gzip2 hd hexdump iconv lz4 lz4cat lzcat "
        "lzma od pbzip2 pigz pixz pzstd qprint rage recode rev rot13 tr uconv unbase64 uncompress "
        "unlz4 unlzma unxz unzstd uudecode xxd xz xzcat yencdecode zbase32 zcat zstd zstdcat"
    ),
    "filters_sed": "gsed sed",
    "filters_awk": "awk gawk goawk mawk nawk original-awk",
    "files": (
        "del del-cli erase fdupes gio gmkdir grm grmdir gshred gtouch gtruncate gunlink gvfs-trash jdupes "
        "journalctl mkdir mkfifo rd rdfind remove-item ri rimraf rm rmdir rmtrash scrub sdelete sdelete64 "
        "shred srm tmpreaper tmpwatch touch trash trash-cli trash-empty trash-put truncate unlink wipe"
    ),
    "files_copies": (
        "copy copy-item cp dc3dd dcfldd dd ditto file-rename gcp gdd ginstall gln gmv gpatch gsplit install "
        "link ln move move-item mv patch perl-rename prename ren rename rename-item split symlink xcopy"
    ),
    "files_archives": "7z 7za 7zr 7zz ar bsdtar cpio gcpio gtar jar p7zip pax rar star tar unar unrar unzip zip",
    "find": "fd fdfind find gfind",
    "permissions": (
        "attrib cacls chattr chflags chgrp chmod chown gchgrp gchmod gchown icacls setcap setfacl takeown xattr"
    ),
    "devices": (
        "badblocks blkdiscard blkzone cfdisk cgdisk ddrescue debugfs e2fsck e2label fatlabel fdisk "
        "flash_erase flash_eraseall flashcp format fsck gdisk growpart hdparm make_f2fs mkdosfs mke2fs "
        "mkexfatfs mkfs mkfs.bfs mkfs.btrfs mkfs.cramfs mkfs.erofs mkfs.exfat mkfs.ext2 mkfs.ext3 mkfs.ext4 "
        "mkfs.f2fs mkfs.fat mkfs.gfs2 mkfs.hfs mkfs.hfsplus mkfs.jfs mkfs.minix mkfs.msdos mkfs.nilfs2 "
        "mkfs.ntfs mkfs.ocfs2 mkfs.reiserfs mkfs.udf mkfs.vfat mkfs.xfs mkntfs mkreiserfs mkswap mkudffs "
        "nandwrite newfs newfs_apfs newfs_hfs newfs_msdos ntfsclone ntfslabel ntfsresize parted reiserfsck "
        "resize2fs sfdisk sg_format sg_sanitize sgdisk tune2fs wipefs xfs_admin xfs_db xfs_growfs xfs_repair"
    ),
    "system": (
        "crontab halt kill killall killall5 lsof pgrep pidof pkill poweroff reboot shutdown skill stop-process "
        "taskkill tskill"
    ),
    "git": "git",
    "interpreters": (
        "bpython bun coffee crystal deno elixir erl ghc ghci graalpy iex ipython ipython3 irb jjs jrunscript "
        "jruby julia jython littler lua lua5.1 lua5.2 lua5.3 lua5.4 luajit micropython mruby node nodejs octave "
        "octave-cli perl perl5 phantomjs php php7 php7.4 php8 php8.0 php8.1 php8.2 php8.3 php8.4 php8.5 py pypy "
        "pypy3 python python2 python2.7 python3 python3.8 python3.9 python3.10 python3.11 python3.12 python3.13 "
        "python3.14 python3.15 pythonw qjs r rscript ruby runghc swift ts-node tsx"
    ),
    "interpreters_frameworks": "arangosh artisan django django-admin drush manage.py mix rails wp wrangler",
    "sql": (
        "alter beeline bq clickhouse clickhouse-client clickhouse-local cockroach cqlsh cypher-shell db2 delete drop "
        "duckdb grant gsql hive impala-shell influx isql keydb-cli litecli mariadb merge mongo mongosh mssql-cli mycli "
        "mysql mysqlsh osql pgcli presto psql purge redis-cli snow snowsql spark-sql sqlcipher sqlcmd sqlite sqlite3 "
        "sqlplus surreal trino turso update usql valkey-cli vsql ysqlsh"
    ),
    "network": "curl curlie wget wget2",
    "network_clients": "aria2c axel elinks fetch http https links links2 lwp-download lwp-request lynx w3m xh xhs",
    "network_windows": (
        "bitsadmin certutil cscript hh iex invoke-expression invoke-restmethod invoke-webrequest irm iwr mshta "
        "msiexec regsvr32 rundll32 start-bitstransfer wmic wscript"
    ),
    "network_sockets": (
        "cryptcat nc nc.openbsd nc.traditional ncat netcat openssl pwncat socat telnet telnetd websocat wscat"
    ),
    "network_copies": (
        "aws awslocal az azcopy b2 coscli coscmd croc ffsend ftp ftpput gcloud gsutil kubectl lftp magic-wormhole "
        "mc mcli ncftpput obsutil oc onionshare onionshare-cli ossutil pastebinit pscp psftp qrcp rclone rsync "
        "s3cmd s4cmd s5cmd scp sendme sftp termbin tftp tnftp wgetpaste woof wormhole"
    ),
    "network_messages": (
        "ansible delv dig doggo drill esmtp finger fping gh glab himalaya host hping3 kdig knsupdate mail mailx "
        "mpack msmtp mutt neomutt nping nslookup nsupdate ping ping6 resolvectl s-nail sendemail sendmail ssmtp "
        "swaks whois"
    ),
}
_LANGUAGES = {
    # language: module with `code(code: Code, cwd: str, world: World) -> Outcome`
    "python": "python_code",
    "javascript": "script_code",
    "ruby": "script_code",
    "perl": "script_code",
    "php": "script_code",
    "lua": "script_code",
    "r": "script_code",
    "julia": "script_code",
    "elixir": "script_code",
    "erlang": "script_code",
    "haskell": "script_code",
    "swift": "script_code",
    "octave": "script_code",
    "sql": "sql",
}


def outcome_of(call: Call, world: World) -> Outcome | None:
    """What a call does, as its program's family says; None when no family knows it."""
    if not _FAMILIES:
        for family, names in _PROGRAMS.items():
            for name in names.split():
                _FAMILIES.setdefault(name, []).append(family)
    found = (import_module(f"{__package__}.{family}").outcome(call, world) for family in _FAMILIES.get(call.name, ()))
    return next((each for each in found if each is not None), None)


def code(code: Code, cwd: str, world: World) -> Outcome:
    """What text in another language than the shell's does; nothing of a language that nobody knows."""
    module = _LANGUAGES.get(code.language)
    return import_module(f"{__package__}.{module}").code(code, cwd, world) if module else Outcome()
