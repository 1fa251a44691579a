/** Schemas of lists and reports that are about no single object. */
import { auditKinds } from '#abi/audit.ts'
import { dropReasonNames } from '#abi/drop-words.ts'
import { unitTypes } from '#abi/object-type.ts'
import { z } from 'zod'
import { count, flag, id, idOrNull, only, text, textOrNull, texts } from './objects.ts'

const type = z.enum(unitTypes)
const counts = z.record(text, count)

export const listedObject = only({ type, id, unit: text, name: textOrNull, in: idOrNull, guest: textOrNull, trouble: textOrNull })
export const typeCount = only({ type: text, count })
export const neighbour = only({ vni: count, address: text, mac: text, used: flag.optional() })
export const entry = only({ vni: count, mac: text, vtep: text, forward: flag.optional(), used: flag.optional() })
export const sourceStats = only({
  unit: text,
  id,
  peerUnit: textOrNull,
  rxPackets: count,
  rxBytes: count,
  txPackets: count,
  txBytes: count,
  answered: count,
  flooded: count,
  missed: count,
  tooBig: count,
  lostQuestions: count,
  lostDropEvents: count,
  flowOverflow: count,
  txLimited: count,
  drops: counts,
})
export const queueStats = only({ queue: count, rxPackets: count, rxBytes: count, txPackets: count, txBytes: count, txDrops: count })
export const probe = only({ name: text, state: z.enum(['ok', 'warning', 'failed', 'unknown']), found: text, remedy: text })
export const flow = z.looseObject({ port: text, protocol: text, inside: text, outside: text, state: text })
export const cluster = only({ name: text, hosts: z.array(only({ name: text, address: text, device: text, guests: texts })) })
export const hostChange = only({
  action: z.enum(['create', 'change', 'remove']),
  type,
  id,
  unit: textOrNull,
  settings: z.array(only({ key: text, is: text, asked: text })),
})
const difference = only({
  kind: z.enum(auditKinds),
  what: text,
  part: text,
  problem: z.enum(['missing', 'different', 'strange']),
  expected: text,
  found: text,
})
export const audit = only({
  checked: z.record(z.enum(auditKinds), count),
  items: z.array(difference),
  notes: texts,
  mended: z.array(difference),
  failures: texts,
})
export const reason = only({ reason: z.enum(dropReasonNames), why: text, remedy: textOrNull })
export const drop = z.looseObject({ time: text, reason: text, unit: textOrNull, port: textOrNull, vni: count, length: count, lost: count })
export const objectChanges = only({
  revision: text,
  previous: textOrNull,
  reset: flag,
  changes: z.array(only({ action: z.enum(['create', 'change', 'remove']), type, id, unit: text })),
})
const parts = z.array(z.looseObject({})).optional()
/** Its keys; what is in them is the document's own, as docs/host-file.md has it. */
export const hostDocument = only({
  version: z.int(),
  owner: textOrNull.optional(),
  ethlinks: parts,
  muxes: parts,
  vmnics: parts,
  hostifs: parts,
  switches: parts,
  sets: parts,
  groups: parts,
  ports: parts,
  routers: parts,
  subnets: parts,
  nats: parts,
})
const room = only({ used: count, most: count, isFull: flag })
const storeSchema = { schema: count, writes: count }
const member = only({
  endpoint: text,
  version: text.optional(),
  isLeader: flag.optional(),
  bytes: count.optional(),
  error: text.optional(),
})
const transferred = only({ entries: count, revision: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) })
/** What each command about a store says. */
export const db = {
  defrag: only({ before: room, after: room }),
  export: transferred,
  finalize: only(storeSchema),
  import: transferred,
  migrate: only({ from: count, to: count }),
  ping: only({
    kind: z.enum(['sqlite', 'etcd']),
    version: text,
    revision: count,
    compacted: count,
    bytes: count,
    warnings: texts,
    members: z.array(member).optional(),
    ...storeSchema,
    readMs: z.number().min(0),
  }),
}
/** What a document of a vpc changes. */
export const plan = {
  plan: text,
  vpc: text,
  changes: z.array(
    only({
      action: z.enum(['create', 'change', 'replace', 'destroy']),
      kind: text,
      name: textOrNull,
      id: textOrNull,
      fields: z.array(only({ field: text, is: z.unknown(), asked: z.unknown() })),
    }),
  ),
  hosts: only({ count, names: texts }),
}
export const natBlock = z.looseObject({ inside: text, address: text, firstPort: count, lastPort: count })
export const natPort = z.looseObject({ protocol: text, inside: text, address: text, port: count })
export const lab = only({ name: text, state: text, problems: texts, hosts: texts, guests: texts, file: text, since: text })
/** An image of this host. */
export const image = only({ name: text, format: text, virtualBytes: count, fileBytes: count, path: text })

export const vm = z.looseObject({ id: text, state: text, directory: text })
