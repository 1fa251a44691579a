/** The completion script for zsh: for `source`, or as `_vpc` on the fpath. */
import { idsOfList, completionModel, valuesByCompletion, type CompletionModel, type Flag, type Pattern } from './completion-model.ts'
import type { Completion } from './option.ts'

/** The script. */
export async function zshCompletion(): Promise<string> {
  const model = await completionModel()
  return `#compdef vpc
# zsh completion for vpc, made by: vpc shell autocomplete zsh

_vpc_ids() {
  local type
  for type; do command vpc list --obj-type "$type" 2>/dev/null | awk -v type="$type" '${idsOfList}'; done
}

# Names of resources of the cloud that is asked; none when it does not answer soon.
_vpc_names() { timeout 2 vpc cloud "$1" list 2>/dev/null </dev/null | awk 'NR > 1 && $1 != "-" { print $1 }'; }

_vpc() {
  local at='' word prev=$words[CURRENT-1]
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
${steps(model)}
    esac
  done
  if [[ $PREFIX == --*=* ]]; then
    prev=\${PREFIX%%=*}
    compset -P '*='
  fi
  case "$at $prev" in
${values(model)}
  esac
  local -a names flags
  flags=(${model.globalFlags.map(described).join(' ')})
  case "$at" in
${words(model)}
  esac
  (( $#names )) && _describe command names
  _describe -o option flags
  case "$at" in
${namesOf(model)}
    ${model.takesFile.map((path) => `'${path}'`).join(' | ')}) _files ;;
  esac
}

if [[ $funcstack[1] == _vpc ]]; then _vpc "$@"; else compdef _vpc vpc; fi
`
}

const namesOf = ({ takesName }: CompletionModel): string =>
  [...takesName]
    .map(([kind, paths]) => `    ${paths.map((path) => `'${path}'`).join(' | ')}) compadd -- \${(f)"$(_vpc_names ${kind})"} ;;`)
    .join('\n')

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
const describe = (word: string, help: string): string => quote(`${word.replaceAll(':', '\\:')}:${help}`)
const described = ({ long, help }: Flag): string => describe(`--${long}`, help)

const steps = ({ steps: all }: CompletionModel): string =>
  all.map(({ from, words: each, to }) => `    ${each.map((word) => `'${from} ${word}'`).join(' | ')}) at='${to}' ;;`).join('\n')

function words({ steps: all, flags }: CompletionModel): string {
  const groups = new Map<string, string[]>()
  for (const { from, words: each, summary } of all) groups.getOrInsertComputed(from, () => []).push(describe(each[0]!, summary))
  const lines = [...groups].map(([path, names]) => `    '${path}') names=(${names.join(' ')}) ;;`)
  const own = [...flags]
    .filter(([, each]) => each.length > 0)
    .map(([path, each]) => `    '${path}') flags+=(${each.map(described).join(' ')}) ;;`)
  return [...lines, ...own].join('\n')
}

const values = (model: CompletionModel): string =>
  [...valuesByCompletion(model).values()]
    .map(({ completion, patterns }) => `    ${patterns.map(pattern).join(' | ')}) ${action(completion)}; return ;;`)
    .join('\n')

const pattern = ({ path, flag }: Pattern): string => (path === undefined ? `*' ${flag}'` : `'${path} ${flag}'`)

function action(completion: Completion | undefined): string {
  if (completion === undefined) return "_message 'value'"
  if (completion === 'file') return '_files'
  if (completion === 'directory') return '_files -/'
  if (completion === 'interface') return 'compadd -- /sys/class/net/*(N:t)'
  if ('words' in completion) return `compadd -- ${completion.words.join(' ')}`
  if ('names' in completion) return `compadd -- \${(f)"$(_vpc_names ${completion.names})"}`
  return `compadd -- \${(f)"$(_vpc_ids ${completion.ids.join(' ')})"}`
}
