/** A host document as YAML for people: one object after the other, entries and neighbours on one line each. */
import type { HostDocument } from '#abi/host-file.ts'

const heading = [
  '# The objects of a host, written by vpc export. vpc apply FILE makes a host match this document: it makes missing objects,',
  '# changes objects that differ and, with --prune, removes all others. Settings that are left out have their defaults; objects are',
  '# named by unit or by id.',
]

/** Lists of short items: one on each line. */
const short = new Set(['entries', 'neighbours'])

/** Write a document. Read again, it is the same. `comment`: its first lines. */
export function formatHostFile(document: HostDocument, comment: readonly string[] = heading): string {
  const lines = [...comment]
  for (const [key, value] of Object.entries(document)) {
    if (!Array.isArray(value)) lines.push(`${key}: ${scalar(value)}`)
    else lines.push('', `${key}:`, ...value.flatMap((item) => formatItem(item as HostDocument, '  ')))
  }
  return `${lines.join('\n')}\n`
}

function formatItem(item: HostDocument, indent: string): string[] {
  const lines = Object.entries(item).flatMap(([key, value]) => formatField(key, value, `${indent}  `))
  return lines.map((line, i) => (i === 0 ? `${indent}- ${line.trimStart()}` : line))
}

function formatField(key: string, value: unknown, indent: string): string[] {
  if (!Array.isArray(value)) return [`${indent}${key}: ${scalar(value)}`]
  if (value.every((item) => typeof item !== 'object')) return [`${indent}${key}: [${value.map(scalar).join(', ')}]`]
  if (short.has(key)) return [`${indent}${key}:`, ...value.map((item) => `${indent}  - ${flow(item as HostDocument)}`)]
  return [`${indent}${key}:`, ...value.flatMap((item) => formatItem(item as HostDocument, `${indent}  `))]
}

const flow = (item: HostDocument): string =>
  `{ ${Object.entries(item)
    .map(([key, value]) => `${key}: ${scalar(value)}`)
    .join(', ')} }`

/** Words that some version of YAML does not read as text. */
const taken =
  /^(true|false|yes|no|on|off|y|n|null|~)$|^[-+]?[\d_]*\.?[\d_]*(e[-+]?\d+)?$|^0[xo][\da-f]+$|^[-+]?[1-9][\d_]*(:[0-5]?\d)+(\.\d*)?$/i

/** Quote text that a reader could take for something else. */
function scalar(value: unknown): string {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)
  if (typeof value !== 'string') return String(value)
  return /^[\w][\w.:-]*$/.test(value) && !value.endsWith(':') && !taken.test(value) ? value : JSON.stringify(value)
}
