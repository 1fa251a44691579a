/**
 * Parts of a run by name: `cross-host,mtu=1450,offload=on,entries=1`, and selectors that say as much of it as is
 * needed.
 */
import type { Conditions } from './peer.ts'
import type { Part } from './scenario.ts'

/** Each word that selects a part, and the values that a key can have. */
const keys: Readonly<Record<string, RegExp>> = { mtu: /^\d+$/, offload: /^(on|off)$/, entries: /^\d+$/ }
const words = ['programs', 'group-costs', 'table-sizes', 'container', 'groups', 'nat', 'machine', 'cross-host', 'same-host'] as const

const conditionWords = ({ scope, mtu, offload, entries, outside = false }: Conditions): string[] =>
  // On one host there is no underlay, nor a table of who is behind it.
  outside
    ? []
    : scope === 'same-host'
      ? [scope, `mtu=${mtu}`]
      : [scope, `mtu=${mtu}`, `offload=${offload ? 'on' : 'off'}`, `entries=${entries}`]

/** All words that hold for a part. */
export const wordsOf = (part: Part): readonly string[] =>
  'conditions' in part ? [part.kind, ...conditionWords(part.conditions)] : [part.kind]

/** The name of a part: what `--only` takes to choose it alone. */
export const nameOf = (part: Part): string => wordsOf(part).join(',')

/** What is wrong with a selector, or undefined. */
export function objection(selector: string): string | undefined {
  for (const word of selector.split(',')) {
    const [key, value] = word.split('=') as [string, string?]
    if (value === undefined ? words.includes(word as never) : keys[key]?.test(value)) continue
    return `--only takes ${words.join(', ')}, mtu=N, offload=on|off and entries=N, with commas in between, not '${word}'`
  }
  return undefined
}

/** The parts for which one of the selectors holds, word by word; all when there is none. */
export function choose(parts: readonly Part[], selectors: readonly string[]): readonly Part[] {
  if (selectors.length === 0) return parts
  return parts.filter((part) => selectors.some((selector) => selector.split(',').every((word) => wordsOf(part).includes(word))))
}
