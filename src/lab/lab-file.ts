/**
 * The lab file: hosts, underlay, customers, guests and links. Reads the YAML and checks everything that can be checked
 * without a kernel.
 */
import { fileText, parseFile, readMembers } from './file-members.ts'
import type { Lab } from './lab-model.ts'
import { readHosts, readUnderlay } from './lab-file-network.ts'
import { readName } from './lab-file-values.ts'
import type { YamlValue } from './yaml-value.ts'

const sections = { required: ['name', 'underlay', 'hosts', 'customers', 'guests'], optional: ['links'] } as const

/** Read a lab file from disk. Throws LabFileError with everything that is wrong with it. */
export const readLabFile = async (path: string): Promise<Lab> => parseLab(await fileText(path, 'lab'), path)

/** Read the text of a lab file. `path` is for messages. Throws LabFileError. */
export const parseLab = (text: string, path: string): Lab =>
  parseFile(text, path, (root) => {
    const lab = readLab(root)
    if (lab !== undefined) reportSharedNames(root)
    return lab
  })

function readLab(root: YamlValue): Lab | undefined {
  const part = root.fields<(typeof sections.required)[number] | 'links'>(sections.required, sections.optional)
  if (part.name === undefined || part.underlay === undefined || part.hosts === undefined) return undefined
  const name = readName(part.name, 'lab')
  const underlay = readUnderlay(part.underlay)
  const hosts = underlay && readHosts(part.hosts, underlay)
  const { customers, guests, links } = part
  if (customers === undefined || guests === undefined || hosts === undefined) return undefined
  const members = readMembers({ customers, guests, links }, hosts, 'lab')
  return name === undefined || underlay === undefined ? undefined : { name, underlay, hosts, ...members }
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
