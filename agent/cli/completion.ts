/**
 * `pilotfish completion bash|zsh|fish`: a script that completes commands, their words and their options. Made from the table of
 * commands, so that it can not be behind; an option that its usage or help follows with FILE completes files, and one that it
 * follows with words to choose from (`do|do-not|skip`) completes these.
 */
import type { Command } from "./command.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit } from "./world.ts";

export interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly words: readonly string[];
  /** By their names, `--json`; `file`: a file follows. */
  readonly options: ReadonlyMap<string, "file" | "text" | readonly string[]>;
  /** What stands after the command may be a file. */
  readonly files: boolean;
}

const shells = ["bash", "zsh", "fish"] as const;

/** @param table all commands; asked for when it is needed, since this one stands in it. */
export function completion(table: () => Readonly<Record<string, Command>>): Command {
  return {
    usage: "pilotfish completion bash|zsh|fish",
    words: shells,
    help: `Print a script that completes commands and options.\n\nExamples:\n  source <(pilotfish completion bash)                                    # in ~/.bashrc\n  pilotfish completion zsh > "\${fpath[1]}/_pilotfish"\n  pilotfish completion fish > ~/.config/fish/completions/pilotfish.fish`,
    async run(argv, world) {
      const { positionals } = parseOptions(argv, {}, 1);
      const shell = shells.find((one) => one === positionals[0]);
      if (shell === undefined) throw new UsageError(`name a shell: ${shells.join(", ")}`);
      const commands = Object.entries(table()).map(([name, command]) => completed(name, command));
      world.out({ bash, zsh, fish }[shell](commands));
      return exit.done;
    },
  };
}

export function completed(name: string, { usage, help, words = [] }: Command): Completed {
  const options = new Map<string, "file" | "text" | readonly string[]>();
  for (const [, option, value = ""] of `${usage}\n${help}\n--help`.matchAll(/(?<![\w-])(--[a-z][a-z-]*)(?:[ =]([A-Za-z|-]+))?/g)) {
    const choices = value.includes("|") && value === value.toLowerCase() ? value.split("|") : undefined;
    const known = options.get(option as string);
    if (known === undefined || known === "text") options.set(option as string, choices ?? (value === "FILE" ? "file" : "text"));
  }
  return { name, summary: help.split("\n", 1)[0] as string, words, options, files: / (DATA|FILE)\b/.test(usage.replaceAll(/\[?--?[a-z-]+,? [A-Z]+\]?/g, "")) };
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map(({ name, words, options, files }) => {
    const after = [...options].flatMap(([option, value]) => (value === "file" ? [`      ${option}) COMPREPLY=($(compgen -f -- "$word")); return ;;`] : value === "text" ? [] : [`      ${option}) COMPREPLY=($(compgen -W "${value.join(" ")}" -- "$word")); return ;;`]));
    return `    ${name})
      case "$before" in
${after.join("\n")}${after.length > 0 ? "\n" : ""}      esac
      COMPREPLY=($(compgen -W "${[...words, ...options.keys()].join(" ")}" -- "$word")${files ? ' $(compgen -f -- "$word")' : ""}) ;;`;
  });
  return `# bash completion of pilotfish
_pilotfish() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...commands.map(({ name }) => name), "help", "version", "--help", "--version"].join(" ")}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
    help) COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$word")) ;;
${cases.join("\n")}
  esac
}
complete -o filenames -F _pilotfish pilotfish
`;
}

function zsh(commands: readonly Completed[]): string {
  const cases = commands.map(({ name, words, options, files }) => {
    const flags = [...options].map(([option, value]) => `'*${option}${value === "file" ? "[ ]:file:_files" : value === "text" ? "[ ]" : `[ ]:value:(${value.join(" ")})`}'`);
    const rest = words.length > 0 ? [`'1:word:(${words.join(" ")})'`] : files ? ["'*:file:_files'"] : [];
    return `    ${name}) _arguments ${[...flags, ...rest].join(" ")} ;;`;
  });
  return `#compdef pilotfish
_pilotfish() {
  if (( CURRENT == 2 )); then
    local -a commands=(${commands.map(({ name, summary }) => `'${name}:${quoted(summary)}'`).join(" ")})
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_pilotfish" ]; then _pilotfish "$@"; else compdef _pilotfish pilotfish; fi
`;
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, summary, words, options, files }) => {
    const here = `complete -c pilotfish -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c pilotfish -n __fish_use_subcommand -a ${name} -d '${quoted(summary)}'`,
      ...(words.length > 0 ? [`${here} -a '${words.join(" ")}'`] : []),
      ...(files ? [`${here} -F`] : []),
      ...[...options].map(([option, value]) => `${here} -l ${option.slice(2)}${value === "file" ? " -r -F" : value === "text" ? "" : ` -x -a '${value.join(" ")}'`}`),
    ];
  });
  return `# fish completion of pilotfish\ncomplete -c pilotfish -f\n${lines.join("\n")}\n`;
}

/** Inside single quotation marks, and for zsh without what parts a description from its word. */
function quoted(text: string): string {
  return text.replaceAll(/['\\:]/g, "");
}
