/** The completion script for fish. */
import { idsOfList, completionModel, type CompletionModel, type Flag } from './completion-model.ts'
import type { Completion } from './option.ts'

/** The script, for `source` or for a completions directory. */
export async function fishCompletion(): Promise<string> {
  const model = await completionModel()
  const files = model.takesFile.map((path) => `complete -c vpc ${at(path)} -F`)
  const names = [...model.takesName].flatMap(([kind, paths]) =>
    paths.map((path) => `complete -c vpc ${at(path)} -a ${quote(`(__vpc_names ${kind})`)}`),
  )
  return `# fish completion for vpc, made by: vpc shell autocomplete fish

function __vpc_ids
    for type in $argv
        command vpc list --obj-type $type 2>/dev/null | awk -v type=$type '${idsOfList}'
    end
end

function __vpc_names --description 'names of resources of the cloud that is asked; none when it does not answer soon'
    timeout 2 vpc cloud $argv[1] list 2>/dev/null </dev/null | awk 'NR > 1 && $1 != "-" { print $1 }'
end

function __vpc_at --description 'whether the words so far lead to this command'
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
${steps(model)}
        end
    end
    test "$at" = "$argv[1]"
end

complete -c vpc -f
${[...words(model), ...model.globalFlags.map((flag) => `complete -c vpc ${flagText(flag)}`), ...own(model), ...names, ...files].join('\n')}
`
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const steps = ({ steps: all }: CompletionModel): string =>
  all
    .map(
      ({ from, words: each, to }) =>
        `            case ${each.map((word) => quote(`${from} ${word}`)).join(' ')}\n                set at ${quote(to)}`,
    )
    .join('\n')

const at = (path: string): string => `-n ${quote(`__vpc_at ${quote(path)}`)}`

const words = ({ steps: all }: CompletionModel): string[] =>
  all.map(({ from, words: each, summary }) => `complete -c vpc ${at(from)} -a ${quote(each[0]!)} -d ${quote(summary)}`)

const own = ({ flags }: CompletionModel): string[] =>
  [...flags].flatMap(([path, each]) => each.map((flag) => `complete -c vpc ${at(path)} ${flagText(flag)}`))

const flagText = ({ long, short, help, takesValue, completion }: Flag): string =>
  [`-l ${long}`, ...(short ? [`-s ${short}`] : []), ...(takesValue ? value(completion) : []), `-d ${quote(help)}`].join(' ')

function value(completion: Completion | undefined): string[] {
  if (completion === undefined) return ['-x']
  if (completion === 'file') return ['-r', '-F']
  if (completion === 'directory') return ['-x', "-a '(__fish_complete_directories)'"]
  if (completion === 'interface') return ['-x', "-a '(ls /sys/class/net)'"]
  if ('words' in completion) return ['-x', `-a ${quote(completion.words.join(' '))}`]
  if ('names' in completion) return ['-x', `-a ${quote(`(__vpc_names ${completion.names})`)}`]
  return ['-x', `-a ${quote(`(__vpc_ids ${completion.ids.join(' ')})`)}`]
}
