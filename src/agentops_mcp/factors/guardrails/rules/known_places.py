"""Files and folders that are known by name: of systems, of what runs by itself, of secrets, of the guard itself."""

SYSTEM = frozenset(
    "bin boot dev etc lib lib32 lib64 libx32 proc root run sbin srv sys usr var opt system library applications "
    "private cores network volumes snap nix gnu windows programdata recovery perflogs".split()
)
SINKS = frozenset(
    {"/dev/null", "/dev/zero", "/dev/full", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty", "/nul"}
)
STREAMS = (
    "tty",
    "pts",
    "pty",
    "console",
    "ptmx",
    "cu.",
    "random",
    "urandom",
    "log",
    "kmsg",
    "tcp",
    "udp",
    "snd",
    "dsp",
    "fd",
)
"""How devices begin that hold nothing: what is written there is lost anyway."""

OWN = frozenset({"opt", "srv", "usr/local", "usr/src", "var/www", "var/opt"})
"""Folders of the system in which people keep what is theirs."""

SCRATCH = ("/tmp", "/var/tmp", "/var/folders", "/dev/shm", "/private/tmp", "/private/var/tmp", "/private/var/folders")  # noqa: S108
# Each stands for everything in it. Looked up by every beginning of a path, so a path costs as many steps as its parts.
GUARD = frozenset({
    ".agentops", ".claude/settings.json", ".claude/settings.local.json", ".claude/hooks", ".codex/hooks.json",
    ".codex/config.toml", ".cursor/hooks.json", ".cursor/mcp.json", ".mcp.json", ".vscode/mcp.json", ".config/agentops",
    ".gemini/settings.json", ".git/agentops", ".claude.json", ".local/state/agentops", "appdata/roaming/agentops",
    "appdata/local/agentops", "library/application support/agentops",
})  # fmt: skip
HOME_STARTUP = frozenset({
    ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".zshrc", ".zshenv",
    ".zprofile", ".zlogin", ".zlogout", ".kshrc", ".mkshrc", ".cshrc", ".tcshrc", ".login", ".logout", ".xinitrc",
    ".xprofile", ".xsession", ".xsessionrc", ".vimrc", ".emacs", ".emacs.d/init.el", ".config/nvim/init.lua",
    ".config/nvim/init.vim", ".gitconfig", ".pythonrc", ".config/fish/config.fish", ".config/fish/conf.d",
    ".config/fish/functions", ".config/autostart", ".config/systemd", ".config/git/config", ".config/environment.d",
    ".config/powershell", ".local/share/systemd", ".ssh/authorized_keys", ".ssh/authorized_keys2", ".ssh/config",
    ".ssh/rc", ".ssh/environment", ".pam_environment", ".forward", ".gdbinit", ".config/plasma-workspace/env",
    "library/launchagents", "library/launchdaemons", "library/startupitems", ".git/hooks",
    "appdata/roaming/microsoft/windows/start menu/programs/startup", "documents/windowspowershell",
    "documents/powershell",
})  # fmt: skip
SYSTEM_STARTUP = frozenset({
    "etc/profile", "etc/profile.d", "etc/bash.bashrc", "etc/bashrc", "etc/zshrc", "etc/zsh", "etc/zprofile",
    "etc/zshenv",
    "etc/environment", "etc/fish", "etc/csh.cshrc", "etc/csh.login", "etc/rc.local", "etc/rc.common", "etc/rc.conf",
    "etc/rc.d", "etc/init.d", "etc/init", "etc/inittab", "etc/systemd", "lib/systemd", "usr/lib/systemd",
    "usr/local/lib/systemd", "run/systemd", "etc/crontab", "etc/cron.d", "etc/cron.daily", "etc/cron.hourly",
    "etc/cron.weekly", "etc/cron.monthly", "etc/cron.allow", "etc/cron.deny", "etc/anacrontab", "var/spool/cron",
    "var/spool/at", "var/spool/atjobs", "var/at/tabs", "etc/at.allow", "etc/at.deny", "etc/ld.so.preload",
    "etc/ld.so.conf", "etc/ld.so.conf.d", "etc/pam.conf", "etc/pam.d", "etc/sudoers", "etc/sudoers.d",
    "usr/local/etc/sudoers", "usr/local/etc/sudoers.d", "etc/doas.conf", "etc/polkit-1", "usr/share/polkit-1",
    "etc/passwd", "etc/passwd-", "etc/shadow", "etc/shadow-", "etc/group", "etc/gshadow", "etc/master.passwd",
    "etc/subuid", "etc/subgid", "etc/ssh/sshd_config", "etc/ssh/sshd_config.d", "etc/ssh/sshrc", "etc/modules",
    "etc/modules-load.d", "etc/modprobe.d", "etc/udev", "lib/udev", "usr/lib/udev", "etc/xdg/autostart",
    "etc/update-motd.d", "etc/apt/apt.conf.d", "etc/emond.d", "var/db/emondclients",
    "etc/periodic", "etc/newsyslog.d", "etc/gitconfig", "etc/nsswitch.conf", "etc/security",
    "etc/networkmanager/dispatcher.d",
    "etc/grub.d", "etc/default/grub", "etc/selinux", "etc/apparmor.d", "etc/binfmt.d", "library/launchagents",
    "library/launchdaemons", "library/startupitems", "library/scripts", "system/library/launchagents",
    "system/library/launchdaemons", "system/library/startupitems", "library/security",
    "programdata/microsoft/windows/start menu/programs/startup", "windows/system32/tasks", "windows/system32/config",
})  # fmt: skip
AT_START_OF_PYTHON = (".pth", "/sitecustomize.py", "/usercustomize.py")
"""Among installed packages, what every Python runs when it starts."""

HOME_SECRET = frozenset({
    ".ssh", ".aws", ".gnupg", ".azure", ".oci", ".kube/config", ".config/gcloud", ".config/gh", ".config/op",
    ".config/sops", ".config/age", ".config/containers/auth.json", ".config/rclone", ".config/doctl", ".config/hub",
    ".docker/config.json", ".password-store", ".putty", ".terraform.d/credentials.tfrc.json", ".cargo/credentials",
    ".gem/credentials", ".claude/.credentials.json", ".codex/auth.json", ".config/github-copilot",
    ".local/share/keyrings", ".local/share/kwalletd", "library/keychains", "library/cookies", ".mozilla/firefox",
    ".thunderbird", ".config/google-chrome", ".config/chromium", ".config/bravesoftware", ".config/microsoft-edge",
    "library/application support/firefox", "library/application support/google/chrome",
    "library/application support/bravesoftware", "library/application support/microsoft edge",
    "appdata/local/google/chrome/user data", "appdata/local/microsoft/edge/user data",
    "appdata/roaming/mozilla/firefox",
    "appdata/roaming/microsoft/credentials", "appdata/roaming/microsoft/protect", "appdata/local/microsoft/credentials",
    ".bitcoin", ".ethereum", ".electrum", ".bash_history", ".zsh_history", ".zhistory", ".sh_history", ".ash_history",
    ".histfile", ".python_history", ".psql_history", ".mysql_history", ".rediscli_history", ".node_repl_history",
    ".local/share/fish/fish_history",
})  # fmt: skip
OPEN = (".pub", "/.ssh/known_hosts", "/.ssh/known_hosts.old")
"""Beside keys, but meant to be known."""
