/** The completion script for bash, which needs no bash-completion. */
import { idsOfList, completionModel, valuesByCompletion, type CompletionModel, type Pattern } from './completion-model.ts'
import type { Completion } from './option.ts'

/** The script, to be sourced. */
export async function bashCompletion(): Promise<string> {
  const model = await completionModel()
  return `# bash completion for vpc, made by: vpc shell autocomplete bash

_vpc_ids() {
  local type
  for type; do command vpc list --obj-type "$type" 2>/dev/null | awk -v type="$type" '${idsOfList}'; done
}

# Names of resources of the cloud that is asked; none when it does not answer soon.
_vpc_names() { timeout 2 vpc cloud "$1" list 2>/dev/null </dev/null | awk 'NR > 1 && $1 != "-" { print $1 }'; }

_vpc_step() {
  case "$1" in
${steps(model)}
  *) return 1 ;;
  esac
}

_vpc_words() {
  case "$1" in
${words(model)}
  esac
}

_vpc_value() {
  case "$1" in
${values(model)}
  *) return 1 ;;
  esac
}

_vpc() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path= i
  # Bash breaks words at '=': --vni=1 comes as three.
  if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do path=$(_vpc_step "$path \${COMP_WORDS[i]}" || printf %s "$path"); done
  COMPREPLY=()
  local IFS=$'\\n'
  if _vpc_value "$path $prev"; then return; fi
  COMPREPLY=($(compgen -W "$(_vpc_words "$path" | tr ' ' '\\n')" -- "$cur"))
  case "$path" in
${names(model)}
  ${model.takesFile.map((path) => `'${path}'`).join(' | ')}) COMPREPLY+=($(compgen -f -- "$cur")) ;;
  esac
}

complete -F _vpc vpc
`
}

const names = ({ takesName }: CompletionModel): string =>
  [...takesName]
    .map(
      ([kind, paths]) =>
        `  ${paths.map((path) => `'${path}'`).join(' | ')}) COMPREPLY+=($(compgen -W "$(_vpc_names ${kind})" -- "$cur")) ;;`,
    )
    .join('\n')

const steps = ({ steps: all }: CompletionModel): string =>
  all.map(({ from, words: each, to }) => `  ${each.map((word) => `'${from} ${word}'`).join(' | ')}) printf %s '${to}' ;;`).join('\n')

function words({ steps: all, flags, globalFlags }: CompletionModel): string {
  const common = globalFlags.map(({ long }) => `--${long}`).join(' ')
  const groups = new Map<string, string[]>()
  for (const { from, words: each } of all) groups.getOrInsertComputed(from, () => []).push(each[0]!)
  const lines = [...groups].map(([path, names]) => `  '${path}') echo '${names.join(' ')} ${common}' ;;`)
  const own = [...flags].map(([path, each]) => `  '${path}') echo '${[...each.map(({ long }) => `--${long}`), common].join(' ')}' ;;`)
  return [...lines, ...own].join('\n')
}

const values = (model: CompletionModel): string =>
  [...valuesByCompletion(model).values()]
    .map(({ completion, patterns }) => `  ${patterns.map(pattern).join(' | ')}) ${action(completion)} ;;`)
    .join('\n')

const pattern = ({ path, flag }: Pattern): string => (path === undefined ? `*' ${flag}'` : `'${path} ${flag}'`)

function action(completion: Completion | undefined): string {
  if (completion === undefined) return 'COMPREPLY=()'
  if (completion === 'file') return 'COMPREPLY=($(compgen -f -- "$cur"))'
  if (completion === 'directory') return 'COMPREPLY=($(compgen -d -- "$cur"))'
  if (completion === 'interface') return 'COMPREPLY=($(compgen -W "$(ls /sys/class/net)" -- "$cur"))'
  if ('words' in completion) return `COMPREPLY=($(compgen -W $'${completion.words.join('\\n')}' -- "$cur"))`
  if ('names' in completion) return `COMPREPLY=($(compgen -W "$(_vpc_names ${completion.names})" -- "$cur"))`
  return `COMPREPLY=($(compgen -W "$(_vpc_ids ${completion.ids.join(' ')})" -- "$cur"))`
}
