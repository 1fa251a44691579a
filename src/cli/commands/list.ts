/** `vpc list`: every object of the host. */
import { unitTypes, type UnitType } from '#abi/object-type.ts'
import { failure, success } from '#wire/result.ts'
import { command } from '../command.ts'
import { sortBy } from '../id-options.ts'
import { sorted } from '../list-objects.ts'
import { flag, valueOption } from '../option.ts'

/** Names that people use for types, beside the types' own. */
const also: Readonly<Record<string, UnitType>> = {
  switch: 'vpcsw',
  port: 'vpcp',
  mux: 'vpcmux',
  vpclink: 'vpcmux',
  vpci: 'hostif',
  router: 'vpcrtr',
}
const words = ['all', ...unitTypes.toSorted()]

const objType = valueOption<UnitType | 'all'>('only objects of this type', {
  placeholder: 'TYPE|all',
  completion: { words },
  parse: (text) => {
    const type = also[text] ?? text
    return words.includes(type)
      ? success(type as UnitType | 'all')
      : failure(`'${text}' is no type of object; types are ${words.join(', ')}`)
  },
})

export default command({
  path: 'list',
  summary: 'list the objects of this host',
  description: `Types are vpcsw (or switch), vpcp (or port), vpcmux (or mux), vmnic, hostif, ethlink, subnet and vpcrtr (or router). Lines are grouped by type.`,
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
    const headers = sorted(await mgmt.headers(type === 'all' ? 'any' : type), by)
    if (objCounts) {
      const counts = Object.entries(Object.groupBy(headers, (header) => header.type)).map(([name, each]) => ({
        type: name,
        count: each.length,
      }))
      const rows = counts.map(({ type: name, count }) => [name, count])
      output.result(counts, { columns: ['TYPE', { title: 'COUNT', align: 'right' }], rows, footer: ['TOTAL', headers.length] })
      return
    }
    const troubles = new Map((await mgmt.troubles()).map(({ id, trouble }) => [id, trouble]))
    const found = headers.map((header) => ({ ...header, trouble: troubles.get(header.id) ?? null }))
    const rows = found.map(({ type: name, id, unit, trouble }) => [name, id, unit, ...(troubles.size > 0 ? [trouble ?? '-'] : [])])
    const columns = ['TYPE', 'ID', 'UNIT NAME', ...(troubles.size > 0 ? ['TROUBLE'] : [])]
    output.result(found, { columns, rows, footer: ['TOTAL', headers.length] })
  },
})
