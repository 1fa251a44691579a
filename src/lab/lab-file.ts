/**
 * The lab file: hosts, underlay, customers, guests and links. Reads the YAML and checks everything that can be checked
 * without a kernel.
 */
import { readFile } from 'node:fs/promises'
import { LabError } from './lab-error.ts'
import { LabFileError } from './file-problem.ts'
import type { Lab } from './lab-model.ts'
import { readGuests } from './lab-file-guests.ts'
import { readCustomers } from './lab-file-customers.ts'
import { readNats } from './lab-file-nat.ts'
import { readHosts, readUnderlay } from './lab-file-network.ts'
import { readLinks } from './lab-file-links.ts'
import { readName } from './lab-file-values.ts'
import { YamlFile, type YamlValue } from './yaml-value.ts'

const sections = { required: ['name', 'underlay', 'hosts', 'customers', 'guests'], optional: ['links'] } as const

/** Read a lab file from disk. Throws LabFileError with everything that is wrong with it. */
export async function readLabFile(path: string): Promise<Lab> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'this is a directory' : (cause as Error).message
    throw new LabError(`cannot read lab file ${path}: ${why}; the directory examples/ has some to begin with`, { cause })
  }
  return parseLab(text, path)
}

/** Read the text of a lab file. `path` is for messages. Throws LabFileError. */
export function parseLab(text: string, path: string): Lab {
  const file = new YamlFile(text)
  const lab = file.root && readLab(file.root)
  if (lab !== undefined && file.problems.length === 0) reportSharedNames(file.root!)
  if (lab === undefined || file.problems.length > 0)
    throw new LabFileError(
      path,
      file.problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
    )
  return lab
}

function readLab(root: YamlValue): Lab | undefined {
  const part = root.fields<(typeof sections.required)[number] | 'links'>(sections.required, sections.optional)
  if (part.name === undefined || part.underlay === undefined || part.hosts === undefined) return undefined
  const name = readName(part.name, 'lab')
  const underlay = readUnderlay(part.underlay)
  const hosts = underlay && readHosts(part.hosts, underlay)
  const owned = part.customers && readCustomers(part.customers)
  if (name === undefined || underlay === undefined || hosts === undefined || owned === undefined || part.guests === undefined)
    return undefined
  const { customers, subnets } = owned
  const links = part.links ? readLinks(part.links, { hosts, subnets }) : []
  const guests = readGuests(part.guests, { hosts, customers, subnets, links })
  const withNats = readNats(part.customers!, { customers, guests, links })
  return { name, underlay, hosts, customers: withNats, subnets, guests, links }
}

/** Each host, guest and link has a namespace, and so has the underlay: their names must differ. */
function reportSharedNames(root: YamlValue): void {
  const seen = new Map([['underlay', 'the underlay']])
  for (const [section, map] of root.entries()) {
    for (const [name, entry] of ['hosts', 'guests', 'links'].includes(section) ? map.entries() : []) {
      const other = seen.get(name)
      if (other !== undefined) entry.report(`${other} has this name; hosts, guests and links need names of their own`)
      seen.set(name, entry.key)
    }
  }
}
