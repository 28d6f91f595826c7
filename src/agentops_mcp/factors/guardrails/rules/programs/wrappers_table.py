"""Which programs run another one, and how each reads its command line. From their manuals."""

from typing import NamedTuple


class Wrapper(NamedTuple):
    """How a wrapper reads its command line."""

    valued: str = ""
    """Options that take a value, separated by spaces."""

    skip: int = 0
    """Operands before the inner command: a duration, a lock file."""

    traits: str = ""
    """Added to the inner command's traits."""

    text: str = ""
    """Options whose value is a text for a shell."""

    joins: bool = False
    """Whether the operands are put together to a text for a shell."""

    stops: str = ""
    """Options with which no command is run."""

    sets: bool = False
    """Whether `NAME=value` before the command sets variables."""

    after: str = ""
    """Options behind which the command stands, wherever they are."""

    words: tuple[str, ...] = ()
    """Subcommands of which one must come first: `exec`, `run --`."""


_ROOT = "privileged"
_TERMINAL = "terminal"
"""The inner command is told that a person sits there."""

WRAPPERS: dict[str, Wrapper] = {
    # other rights
    "sudo": Wrapper(
        "C D g h p R r T t U u a c close-from chdir group host prompt chroot role type command-timeout "
        "other-user user auth-type login-class",
        traits=_ROOT,
        sets=True,
        stops="l list v validate K remove-timestamp V version help",
    ),
    "doas": Wrapper("a C u", traits=_ROOT, sets=True, stops="L C"),
    "run0": Wrapper(
        "u g D M unit property description slice user group chdir machine setenv background nice area", traits=_ROOT
    ),
    "pkexec": Wrapper("user", traits=_ROOT),
    "gksudo": Wrapper("u user", traits=_ROOT),
    "kdesudo": Wrapper("u", traits=_ROOT),
    "gosu": Wrapper(skip=1),
    "su-exec": Wrapper(skip=1),
    "setuidgid": Wrapper(skip=1),
    "s6-setuidgid": Wrapper(skip=1),
    "please": Wrapper("a d u t", traits=_ROOT),
    "calife": Wrapper(skip=1, traits=_ROOT),
    "sg": Wrapper("c", skip=1, text="c"),
    "capsh": Wrapper("drop caps inh user uid gid groups chroot secbits c", text="c"),
    "setpriv": Wrapper(
        "reuid regid groups inh-caps ambient-caps bounding-set securebits pdeathsig selinux-label "
        "apparmor-profile ruid euid rgid egid",
        stops="d dump",
    ),
    "runcon": Wrapper("t u r l type user role range", skip=1),
    "chpst": Wrapper("u U e / b n l L m d o p f c r t"),
    "softlimit": Wrapper("a c d f l m o p r s t"),
    # how it runs
    "nice": Wrapper("n adjustment"),
    "gnice": Wrapper("n adjustment"),
    "nohup": Wrapper(),
    "gnohup": Wrapper(),
    "ionice": Wrapper("c n p P u class classdata pid pgid uid", stops="p P u pid pgid uid"),
    "taskset": Wrapper("", skip=1, stops="p pid"),
    "flock": Wrapper("w E timeout wait conflict-exit-code", skip=1, text="c command"),
    "chrt": Wrapper("T P D sched-runtime sched-period sched-deadline", skip=1, stops="p pid m max"),
    "setsid": Wrapper(),
    "daemonize": Wrapper("c e o p l u E a"),
    "daemon": Wrapper("p P o u t l T"),
    "timeout": Wrapper("k s kill-after signal", skip=1),
    "gtimeout": Wrapper("k s kill-after signal", skip=1),
    "stdbuf": Wrapper("i o e input output error"),
    "gstdbuf": Wrapper("i o e input output error"),
    "time": Wrapper("f o format output"),
    "gtime": Wrapper("f o format output"),
    "chronic": Wrapper(),
    "ifne": Wrapper(),
    "eatmydata": Wrapper(),
    "unbuffer": Wrapper(traits=_TERMINAL),
    "caffeinate": Wrapper("t w"),
    "cpulimit": Wrapper("l e p P c", stops="p pid"),
    "prlimit": Wrapper("p o output pid", stops="p pid"),
    "numactl": Wrapper("i m N C p interleave membind cpunodebind physcpubind preferred", stops="s show H hardware"),
    "setarch": Wrapper(skip=1),
    "linux32": Wrapper(),
    "linux64": Wrapper(),
    "i386": Wrapper(),
    "x86_64": Wrapper(),
    "faketime": Wrapper("m f", skip=1),
    "retry": Wrapper("t d s m n r"),
    "choom": Wrapper("n p", stops="p pid"),
    "catchsegv": Wrapper(),
    "nocache": Wrapper(),
    "trickle": Wrapper("d u w t l n L P"),
    "busybox": Wrapper(stops="list list-full install help"),
    "toybox": Wrapper(stops="long"),
    "command": Wrapper(stops="v V"),
    "tini": Wrapper("p e"),
    "dumb-init": Wrapper("r rewrite"),
    "catatonit": Wrapper(),
    # watched
    "strace": Wrapper(
        "a b e E I o O p P s S u U X attach trace expr output string-limit user env interruptible", stops="p attach"
    ),
    "ltrace": Wrapper("a A D e F l n o p s u w x output library where", stops="p"),
    "dtruss": Wrapper("p n t W", stops="p"),
    "valgrind": Wrapper(),
    "heaptrack": Wrapper("o p", stops="p pid"),
    "gdbserver": Wrapper(skip=1),
    "perf": Wrapper("e o F p t C r call-graph event output count freq", words=("record", "stat", "trace")),
    "script": Wrapper(
        "c T I O B E o m t command log-in log-out log-io log-timing echo", skip=1, traits=_TERMINAL, text="c command"
    ),
    "rr": Wrapper(words=("record",)),
    # again and again
    "watch": Wrapper("n q s interval equexit shotsdir", joins=True),
    "watchexec": Wrapper(
        "w e f i d s W exts filter ignore watch debounce signal shell stop-signal project-origin workdir "
        "delay-run on-busy-update",
        joins=True,
    ),
    "reflex": Wrapper("r R g G inverse-regex regex glob"),
    "nodemon": Wrapper("w e x i V d watch ext exec ignore delay", text="x exec"),
    # where it runs
    "arch-chroot": Wrapper("u", skip=1),
    "bwrap": Wrapper(
        "proc dev tmpfs dir chdir hostname uid gid unsetenv seccomp args remount-ro mqueue sync-fd info-fd "
        "lock-file cap-add cap-drop"
    ),
    "chroot": Wrapper("userspec groups", skip=1),
    "unshare": Wrapper("S G R w setuid setgid root wd map-user map-group propagation"),
    "nsenter": Wrapper("t S G target setuid setgid wdns"),
    "fakeroot": Wrapper("l s i b lib faked"),
    "fakechroot": Wrapper("e c"),
    "proot": Wrapper("r b q w R S k v"),
    "firejail": Wrapper(),
    "dbus-run-session": Wrapper("config-file dbus-daemon"),
    "dbus-launch": Wrapper(),
    "xvfb-run": Wrapper("e f n p s w error-file auth-file server-num server-args wait listen-tcp"),
    "systemd-run": Wrapper(
        "u p H M E unit property description slice service-type host machine setenv uid gid nice "
        "working-directory on-active on-boot on-startup on-unit-active on-unit-inactive on-calendar "
        "timer-property path-property socket-property"
    ),
    "systemd-inhibit": Wrapper("what who why mode", stops="list"),
    "machinectl": Wrapper("uid", skip=1, words=("shell",), traits="remote"),
    "proxychains": Wrapper("f"),
    "proxychains4": Wrapper("f"),
    "torsocks": Wrapper("u p a P address port"),
    "torify": Wrapper(),
    "tsocks": Wrapper(),
    "rtk": Wrapper(),
    "ip": Wrapper(skip=1, words=("netns exec",)),
    "flatpak-spawn": Wrapper("env directory"),
    "dtach": Wrapper("e r", skip=1),
    "abduco": Wrapper("e", skip=1),
    # with variables
    "env": Wrapper("u C a S unset chdir split-string argv0", sets=True),
    "genv": Wrapper("u C S unset chdir split-string", sets=True),
    "cross-env": Wrapper(sets=True),
    "cross-env-shell": Wrapper(sets=True, joins=True),
    "envuidgid": Wrapper(skip=1),
    "envdir": Wrapper(skip=1),
    "envchain": Wrapper(skip=1),
    "direnv": Wrapper(skip=1, words=("exec",)),
    "dotenv": Wrapper("f e v c file env", words=("run", "")),
    "dotenvx": Wrapper("f e env-file env", words=("run",)),
    "env-cmd": Wrapper("f r e file rc-file environments"),
    "with-contenv": Wrapper(),
    "doppler": Wrapper(
        "p c t project config token scope command mount name-transformer fallback", text="command", words=("run",)
    ),
    "op": Wrapper("env-file account", words=("run",)),
    "infisical": Wrapper("env path projectId token", words=("run",), text="command"),
    "chamber": Wrapper("r b retries backend", words=("exec",), after="--"),
    "teller": Wrapper("c config", words=("run",)),
    "aws-vault": Wrapper("d duration region mfa-token t prompt", skip=1, words=("exec",)),
    "aws-okta": Wrapper("t d", skip=1, words=("exec",)),
    "sops": Wrapper("i a", skip=1, words=("exec-env", "exec-file"), joins=True),
    "ssh-agent": Wrapper("a E P t"),
    # versions and environments of languages
    "mise": Wrapper("C c E cd command env jobs j", words=("exec", "x"), text="c command", after="--"),
    "rtx": Wrapper("c", words=("exec", "x"), text="c", after="--"),
    "asdf": Wrapper(words=("exec",)),
    "rbenv": Wrapper(words=("exec",)),
    "pyenv": Wrapper(words=("exec",)),
    "nodenv": Wrapper(words=("exec",)),
    "jenv": Wrapper(words=("exec",)),
    "fnm": Wrapper("using", words=("exec",)),
    "volta": Wrapper("node npm yarn", words=("run",)),
    "nvm": Wrapper(skip=1, words=("exec",)),
    "rvm": Wrapper(skip=1, words=("do",)),
    "nix": Wrapper("k u f", words=("develop", "shell"), after="-c --command"),
    "nix-shell": Wrapper("p A I E run command packages arg argstr attr", text="run command"),
    "devbox": Wrapper("c config e env", words=("run",)),
    "devenv": Wrapper(words=("shell",)),
    "guix": Wrapper("m f e p L", words=("shell",)),
    "opam": Wrapper("switch root", words=("exec",)),
    "stack": Wrapper("package resolver", words=("exec",)),
    "cabal": Wrapper(words=("exec",)),
    "mix": Wrapper(words=("cmd",), joins=True),
    "lerna": Wrapper("scope ignore concurrency", words=("exec",)),
    "nx": Wrapper(words=("exec",)),
    "honcho": Wrapper("e f", words=("run",)),
    "foreman": Wrapper("e f", words=("run",)),
    "xcrun": Wrapper("sdk toolchain", stops="f find"),
    "winpty": Wrapper(),
}
