/** docs/operations.md: every operation and every setting, from their declarations. */
import { operations, type Operation } from './command.ts'
import { objectType, typeNoun, unitTypes, type TypeName } from './object-type.ts'
import { keyOf, settingsOf } from './settings.ts'

/** The page, as `npm run docs` writes it. */
export function operationsPage(): string {
  const all: readonly Operation[] = Object.values(operations)
  const types = [...new Set(all.map(({ type }) => type))].sort((a, b) => objectType[a] - objectType[b])
  return [
    '# Operations and settings',
    '',
    '<!-- Made by `npm run docs` from src/abi/command.ts and src/abi/settings.ts. -->',
    '',
    'vpc_ctl calls these operations on a descriptor. Numbers below 0x0100 are those of the original. An operation that writes needs',
    'a descriptor opened with WRITE. Integers are little-endian unless marked otherwise; arrays have no header; `json` is UTF-8.',
    '',
    ...types.flatMap((type) => operationTable(type, all)),
    '## Settings',
    '',
    'A [host document](host-file.md) and `vpc … set` use the key of a setting; JSON and the library use it in camelCase.',
    '',
    ...row('of', 'key', 'value', 'default', 'what it sets'),
    ...row('---', '---', '---', '---', '---'),
    ...unitTypes.flatMap((type) => settingsOf(type).flatMap(([name, setting]) => settingRow(type, name, setting))),
    '',
  ].join('\n')
}

const row = (...cells: readonly string[]): string[] => [`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`]

function operationTable(type: TypeName, all: readonly Operation[]): string[] {
  const own = all.filter((operation) => operation.type === type).sort((a, b) => a.op - b.op)
  const heading = type === 'meta' ? 'Of any descriptor' : `Of ${typeNoun[type]} (${type}, ${objectType[type]})`
  const cells = own.flatMap(({ name, op, mutate, takes, gives }) =>
    row(op < 0x100 ? String(op) : `0x${op.toString(16).padStart(4, '0')}`, name, mutate ? 'writes' : '', takes.shape, gives.shape),
  )
  return [`## ${heading}`, '', ...row('number', 'name', '', 'input', 'output'), ...row('---', '---', '---', '---', '---'), ...cells, '']
}

function settingRow(type: string, name: string, { kind, initial, help, key }: ReturnType<typeof settingsOf>[number][1]): string[] {
  const json = kind.toJson(initial)
  const none = json === null || (Array.isArray(json) && json.length === 0)
  return row(type, `\`${keyOf(name, { key })}\``, kind.shape, none ? 'none' : String(json), help)
}
