"""Examples that help shows, one or more for each command; a test parses all of them."""

_BY_COMMAND = {
    "run": (
        "llmd run 'Why is the sky blue?'",
        "git diff | llmd run 'Write a commit message for this:'",
        "llmd run -f report.md 'Summarise it in three sentences.'",
        "llmd run --image plan.png 'How many rooms are there?'",
        "llmd run --schema person.json 'Ada Lovelace, born in 1815'",
    ),
    "chat": ("llmd chat", "llmd chat qwen3-4b --system 'Be brief.'", "llmd chat --session Trip"),
    "generate": ("llmd generate 'Once upon a time' -n 50",),
    "embed": ("llmd embed 'red apple' 'green pear' --json", "cat lines.txt | llmd embed"),
    "sessions ls": ("llmd sessions ls --all",),
    "sessions show": ("llmd sessions show Trip", "llmd sessions show 1f0c --last 0"),
    "sessions rm": ("llmd sessions rm Trip --yes", "llmd sessions rm --older-than 30d"),
    "sessions export": ("llmd sessions export Trip -o trip.md",),
    "search": ("llmd search", "llmd search code --kind tools --max-size 6GB"),
    "pull": (
        "llmd pull qwen3-4b",
        "llmd pull unsloth/Qwen3-4B-GGUF:Q5_K_M --limit-rate 5M",
        "llmd pull https://example.org/model.gguf --name mine",
    ),
    "ls": ("llmd ls", "llmd ls --json | jq -r '.models[].name'"),
    "show": ("llmd show qwen3-4b", "llmd show ./model.gguf --metadata"),
    "rm": ("llmd rm qwen3-4b", "llmd rm qwen3-4b gemma3-1b --yes"),
    "cp": ("llmd cp qwen3-4b work",),
    "quantize": ("llmd quantize qwen3-4b Q4_0", "llmd quantize --list qwen3-4b"),
    "create": (
        "llmd create pirate --from qwen3-4b --system 'Talk like a pirate.'",
        "llmd create mine -f Modelfile",
    ),
    "du": ("llmd du",),
    "gc": ("llmd gc --dry-run", "llmd gc"),
    "verify": ("llmd verify", "llmd verify qwen3-4b --repair"),
    "import": ("llmd import ./model.gguf --name mine", "llmd import --scan"),
    "adapters add": ("llmd adapters add qwen3-4b style.gguf --scale 0.8",),
    "adapters ls": ("llmd adapters ls qwen3-4b",),
    "adapters rm": ("llmd adapters rm qwen3-4b style --yes",),
    "ps": ("llmd ps", "llmd ps --json | jq '.models[].memory'"),
    "plan": ("llmd plan qwen3-4b --ctx 32768",),
    "load": ("llmd load qwen3-4b --keep-alive 1h", "llmd load qwen3-4b -q q4_0 --pin"),
    "unload": ("llmd unload qwen3-4b", "llmd unload --all"),
    "default": ("llmd default", "llmd default chat qwen3-4b"),
    "open": ("llmd open", "llmd open --admin"),
    "tui": ("llmd tui", "llmd tui chat"),
    "top": ("llmd top",),
    "requests": ("llmd requests --all", "llmd requests --follow"),
    "cancel": ("llmd cancel 17",),
    "serve": ("llmd serve --port 8080",),
    "start": ("llmd start",),
    "stop": ("llmd stop", "llmd stop --now"),
    "restart": ("llmd restart",),
    "status": ("llmd status", "llmd status --json"),
    "logs": ("llmd logs -f", "llmd logs -n 1000 --json"),
    "service install": ("llmd service install", "llmd service install --at-login"),
    "service remove": ("llmd service remove --dry-run",),
    "service status": ("llmd service status",),
    "users add": ("llmd users add ada --role admin", "llmd users add bo --password-stdin < secret"),
    "users ls": ("llmd users ls",),
    "users rm": ("llmd users rm ada --yes",),
    "users passwd": ("llmd users passwd ada",),
    "users enable": ("llmd users enable ada",),
    "users disable": ("llmd users disable ada",),
    "users limit": ("llmd users limit ada --rpm 60 --tpd 200000",),
    "users audit": ("llmd users audit -n 100",),
    "keys add": (
        "llmd keys add --name editor",
        "llmd keys add --user ada --scope generate --expires 30d",
    ),
    "keys ls": ("llmd keys ls --user ada",),
    "keys usage": ("llmd keys usage", "llmd keys usage editor --days 7"),
    "keys rm": ("llmd keys rm editor --yes",),
    "keys enable": ("llmd keys enable editor",),
    "keys disable": ("llmd keys disable editor",),
    "keys limit": ("llmd keys limit editor --concurrent 4",),
    "config show": ("llmd config show", "llmd config show --json"),
    "config get": ("llmd config get server.port",),
    "config set": ("llmd config set pool.keep_alive 30m",),
    "config unset": ("llmd config unset pool.keep_alive",),
    "config path": ("llmd config path",),
    "env": ('eval "$(llmd env)"', "llmd env --shell fish | source"),
    "doctor": ("llmd doctor", "llmd doctor --fix"),
    "completion": (
        "llmd completion --install",
        "llmd completion zsh > ~/.zfunc/_llmd",
    ),
    "bench": ("llmd bench qwen3-4b --concurrency 1,8",),
}


def of(command: str) -> tuple[str, ...]:
    """Return the command lines that show how a command is used; `command` is its path without
    `llmd`.
    """
    return _BY_COMMAND.get(command, ())


def commands() -> frozenset[str]:
    """Return the paths of all commands that have examples."""
    return frozenset(_BY_COMMAND)
