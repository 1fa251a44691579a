/** `vpc list`: every object of the host. */
import { formatNetns } from '#abi/guest-kind.ts'
import type { Id } from '#abi/id.ts'
import type { ObjectInfo } from '#abi/info.ts'
import { unitTypes, type UnitType } from '#abi/object-type.ts'
import { failure, success } from '#wire/result.ts'
import { command } from '../command.ts'
import { sortBy } from '../id-options.ts'
import { sorted } from '../list-objects.ts'
import { flag, valueOption } from '../option.ts'
import type { Output } from '../output.ts'

/** Names that people use for types, beside the types' own. */
const also: Readonly<Record<string, UnitType>> = {
  switch: 'vpcsw',
  port: 'vpcp',
  mux: 'vpcmux',
  vpclink: 'vpcmux',
  vpci: 'hostif',
  router: 'vpcrtr',
  nat: 'vpcnat',
  nic: 'vmnic',
  if: 'vmnic',
  iface: 'vmnic',
  l2link: 'ethlink',
  phys: 'ethlink',
  sw: 'vpcsw',
  rtr: 'vpcrtr',
  sg: 'group',
  'address-set': 'set',
}
const words = ['all', ...unitTypes.toSorted()]

const objType = valueOption<UnitType | 'all'>('only objects of this type', {
  placeholder: 'TYPE|all',
  completion: { words },
  parse: (text) => {
    const type = also[text] ?? text
    return words.includes(type)
      ? success(type as UnitType | 'all')
      : failure(`'${text}' is not a type of object; types are ${[...words, ...Object.keys(also)].join(', ')}`)
  },
})

export default command({
  path: 'list',
  summary: 'list the objects of this host',
  description: `Types are ${unitTypes.join(', ')}; names of commands, such as switch, port and mux, mean the same. Lines are grouped by type. Column IN has
    what an object belongs to: the switch of a port, the port of an interface. Column GUEST has the network namespace that has the interface.`,
  options: {
    objCounts: flag('count the objects of each type instead').short('c'),
    sortBy,
    objType: objType.short('t').default('all'),
  },
  examples: [
    { line: 'vpc list', does: 'everything' },
    { line: 'vpc list -t vmnic -s name', does: 'the vmnics, in the order of their numbers' },
    { line: 'vpc list -c', does: 'how many there are of each type' },
  ],
  async run({ objCounts, sortBy: by, objType: type }, { vpc, output }) {
    await using mgmt = await (await vpc()).mgmt()
    if (objCounts) return printCounts(output, sorted(await mgmt.headers(type === 'all' ? 'any' : type), by))
    const all = await mgmt.describeAll()
    const units = new Map(all.map(({ id, unit }) => [id, unit]))
    const objects = sorted(
      all.filter((info) => type === 'all' || info.type === type),
      by,
    )
    const found = objects.map((info) => {
      const { id, unit, name, trouble } = info
      return { type: info.type, id, unit, name, in: placeOf(info), guest: guestOf(info), trouble }
    })
    const cells: readonly Cell<(typeof found)[number]>[] = [
      ['TYPE', (each) => each.type],
      ['ID', ({ id }) => id],
      ['UNIT NAME', ({ unit }) => unit],
      ...shownIf(found, 'NAME', ({ name }) => name),
      ...shownIf(found, 'IN', (each) => each.in && (units.get(each.in) ?? each.in)),
      ...shownIf(found, 'GUEST', ({ guest }) => guest && formatNetns(guest)),
      ...shownIf(found, 'TROUBLE', ({ trouble }) => trouble),
    ]
    const rows = found.map((each) => cells.map(([, text]) => text(each)))
    output.result(found, { columns: cells.map(([title]) => title), rows, footer: ['TOTAL', found.length] })
  },
})

type Cell<T> = readonly [title: string, text: (each: T) => string]

/** A column that is there only if an object has it. */
const shownIf = <T>(all: readonly T[], title: string, text: (each: T) => string | null): Cell<T>[] =>
  all.some((each) => text(each) !== null) ? [[title, (each) => text(each) ?? '-']] : []

/** The object that another belongs to: the switch of a port, the port of an interface. */
function placeOf(info: ObjectInfo): Id | null {
  switch (info.type) {
    case 'vpcp':
    case 'subnet':
    case 'group':
    case 'set':
      return info.switch
    case 'vmnic':
    case 'hostif':
    case 'ethlink':
      return info.port
    case 'vpcmux':
      return info.underlay
    case 'vpcnat':
      return info.router
    default:
      return null
  }
}

/** Where the device of a hostif is. */
const guestOf = (info: ObjectInfo): string | null =>
  info.type === 'hostif' ? ((info.guest as { readonly netns: string } | null)?.netns ?? null) : null

function printCounts(output: Output, headers: readonly { readonly type: string }[]): void {
  const counts = Object.entries(Object.groupBy(headers, (header) => header.type)).map(([name, each]) => ({
    type: name,
    count: each!.length,
  }))
  const rows = counts.map(({ type: name, count }) => [name, count])
  output.result(counts, { columns: ['TYPE', { title: 'COUNT', align: 'right' }], rows, footer: ['TOTAL', headers.length] })
}
