/** What lab files and cluster files have in common: customers, links and guests. And how such a file is read. */
import { readFile } from 'node:fs/promises'
import { LabError } from './lab-error.ts'
import { LabFileError } from './file-problem.ts'
import type { Grammar, LabHost, Network } from './lab-model.ts'
import { readGuests } from './lab-file-guests.ts'
import { readCustomers } from './lab-file-customers.ts'
import { readLinks } from './lab-file-links.ts'
import { readNats } from './lab-file-nat.ts'
import { YamlFile, type YamlValue } from './yaml-value.ts'

/** The text of a file. Throws LabError. */
export async function fileText(path: string, what: Grammar): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'this is a directory' : (cause as Error).message
    throw new LabError(`cannot read ${what} file ${path}: ${why}; the directory examples/ has some to begin with`, { cause })
  }
}

/** Read a text from its root. `path` is for messages. Throws LabFileError with everything that is wrong with it. */
export function parseFile<T>(text: string, path: string, read: (root: YamlValue) => T | undefined): T {
  const file = new YamlFile(text)
  const found = file.root && read(file.root)
  if (found !== undefined && file.problems.length === 0) return found
  throw new LabFileError(
    path,
    file.problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
  )
}

interface Sections {
  readonly customers: YamlValue
  readonly guests: YamlValue
  readonly links?: YamlValue | undefined
}

/** The sections after the hosts. */
export function readMembers(
  { customers: owners, guests: stations, links: wires }: Sections,
  hosts: readonly LabHost[],
  grammar: Grammar,
): Pick<Network, 'customers' | 'subnets' | 'guests' | 'links'> {
  const { customers, subnets } = readCustomers(owners)
  const links = wires ? readLinks(wires, { hosts, subnets, grammar }) : []
  const guests = readGuests(stations, { hosts, customers, subnets, links, grammar })
  return { customers: readNats(owners, { customers, guests, links }), subnets, guests, links }
}
