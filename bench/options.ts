/** The command line of the bench. */
import { parseArgs } from 'node:util'
import { objection } from './selection.ts'

export const usage = `usage: npm run bench -- [--quick] [--only WHAT]... [--rounds N] [--seconds N] [--json FILE [--resume]] [--chart FILE]
                       [--document FILE] [--list]

  --quick          the conditions that the targets are set for, in two minutes
  --only WHAT      a part of the run, as mtu=8950,offload=off or same-host or programs; more than once for more parts
  --rounds N       rounds over all peers (5; quick: 2), three times as many where sizes of tables are compared
  --seconds N      seconds of each measurement (1)
  --json FILE      write all results, and the ratios of ours to each peer, after every part; with --only into those of FILE
  --resume         leave out what FILE has already with as many rounds and seconds
  --chart FILE     write a bar chart (SVG) of the first scenario
  --document FILE  put the tables between the marks of a Markdown file; what is not measured now must be in --json
  --list           say what would be measured, and how long it would take
`

export interface Options {
  readonly quick: boolean
  readonly list: boolean
  readonly resume: boolean
  readonly only: readonly string[]
  readonly rounds?: number
  readonly seconds?: number
  readonly json?: string
  readonly chart?: string
  readonly document?: string
}

/** A wrong command line. */
export class UsageError extends Error {}

function positive(name: string, value: string | undefined): number | undefined {
  if (value === undefined || /^[1-9]\d{0,3}$/.test(value)) return value === undefined ? undefined : Number(value)
  throw new UsageError(`--${name} takes a whole number from 1 on, not '${value}'`)
}

/** The options, or `help`. Throws UsageError. */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const shape = { quick: flag, list: flag, resume: flag, help: flag, rounds: text, seconds: text, json: text, chart: text, document: text }
  const parse = () => {
    try {
      return parseArgs({ args: [...args], options: { ...shape, only: { type: 'string', multiple: true, default: [] as string[] } } }).values
    } catch (error) {
      throw new UsageError((error as Error).message)
    }
  }
  const { help, rounds, seconds, ...rest } = parse()
  if (help) return 'help'
  const wrong = rest.only.map(objection).find((text) => text !== undefined)
  if (wrong !== undefined) throw new UsageError(wrong)
  if (rest.resume && rest.json === undefined) throw new UsageError('--resume needs --json FILE')
  const numbers = { rounds: positive('rounds', rounds), seconds: positive('seconds', seconds) }
  return { ...rest, ...numbers } as Options
}
