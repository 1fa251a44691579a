/** Drop reasons for people: options that name one, what each means, and the page of all of them. */
import { dropReasonNames, dropWords, type DropReasonName, type DropWords } from '#abi/drop-words.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { valueOption, type Option } from './option.ts'
import type { Table } from './table.ts'

/** A reason, as `vpc drops --explain` prints it. */
export interface ExplainedReason {
  readonly reason: DropReasonName
  readonly why: string
  /** What to do; null: only the sender can send something else. */
  readonly remedy: string | null
}

/** What a reason means, and what to do. */
export function explainReason(reason: DropReasonName): ExplainedReason {
  const { why, remedy }: DropWords = dropWords[reason]
  return { reason, why, remedy: remedy ?? null }
}

/** All reasons, in the order of bpf/abi.h. */
export const explainedReasons = (): ExplainedReason[] => dropReasonNames.map(explainReason)

/** An option that names one reason. */
export const reasonOption = (help: string): Option<DropReasonName | undefined> =>
  valueOption(help, { placeholder: 'REASON', parse: parseReason, completion: { words: dropReasonNames } })

/** An option that names one reason, or all. */
export const reasonOrAll = (help: string): Option<DropReasonName | 'all' | undefined> =>
  valueOption(help, {
    placeholder: 'REASON|all',
    parse: (text): Result<DropReasonName | 'all'> => (text === 'all' ? success('all') : parseReason(text)),
    completion: { words: ['all', ...dropReasonNames] },
  })

function parseReason(text: string): Result<DropReasonName> {
  const name = text.toLowerCase().replaceAll('-', '_')
  if (Object.hasOwn(dropWords, name)) return success(name as DropReasonName)
  return failure(`'${text}' is not a drop reason; see all: vpc drops --explain all`)
}

const senderAlone = 'only the sender can send something else'

/** Reasons as a table. */
export const reasonTable = (reasons: readonly ExplainedReason[]): Table => ({
  columns: ['REASON', 'THE PACKET IS DROPPED BECAUSE', 'WHAT TO DO'],
  rows: reasons.map(({ reason, why, remedy }) => [reason, why, remedy ?? senderAlone]),
})

/** One reason as a few lines. */
export const reasonText = ({ reason, why, remedy }: ExplainedReason): string => `${reason}: ${why}\nwhat to do: ${remedy ?? senderAlone}`

/** docs/drop-reasons.md, as `npm run docs` writes it. */
export function reasonsPage(): string {
  const row = ({ reason, why, remedy }: ExplainedReason): string =>
    `| \`${reason}\` | ${why} | ${remedy ?? senderAlone} |`.replaceAll('\n', ' ')
  return [
    '# Drop reasons',
    '',
    '<!-- Made by `npm run docs` from src/abi/drop-words.ts. -->',
    '',
    'Each packet that a program of the datapath drops is counted for one of these reasons. `vpc drops` shows the counters,',
    '`vpc drops --follow` a sample of the packets with the rule or route that decided. `vpc trace` asks the programs about a',
    'packet that you name. `vpc drops --explain REASON` prints a line of this page.',
    '',
    '| reason | the packet is dropped because | what to do |',
    '| --- | --- | --- |',
    ...explainedReasons().map(row),
    '',
  ].join('\n')
}
