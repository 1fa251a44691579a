/** Rules of guests: a vnic is in one guest alone, and is plugged in where the guest runs. */
import { parseKeys, parseUserData } from '#abi/metadata-kind.ts'
import type { Draft } from '../draft.ts'
import { onceKey } from '../keys.ts'
import { checkHost, plug } from '../plug.ts'
import type { Binding, Stored } from '../record.ts'
import type { Rules } from './rules.ts'

interface VmSpec {
  readonly type: 'kvm' | 'container'
  readonly vnics: readonly string[]
  readonly sshKeys: readonly string[]
  readonly userData?: string
  readonly host?: string
}

const unitOf: Readonly<Record<VmSpec['type'], Binding['unit']>> = { kvm: 'vmnic', container: 'hostif' }

/** Says which guest a vnic is in. */
export const vmKey = (vnic: string): string => onceKey('vm', vnic)

export const vmRules: Rules = {
  settle(draft) {
    const was = draft.before?.record.spec as VmSpec | undefined
    const { type, vnics, host: id } = draft.spec as unknown as VmSpec
    checkMetadata(draft)
    const host = id === undefined ? undefined : draft.get('host', id)
    const had = new Set(was?.vnics)
    for (const vnic of had) if (!vnics.includes(vnic)) plug(draft, draft.get('vnic', vnic), undefined, unitOf[type])
    const own = vnics.map((vnic) => draft.get('vnic', vnic))
    for (const [i, vnic] of own.entries()) if (!had.has(vnic.record.id)) checkNew(draft, vnic, host, i)
    const coming = own.filter(({ record }) => record.binding?.host !== id)
    if (host !== undefined && (coming.length > 0 || was?.host !== id)) checkHost(draft, host, coming)
    for (const vnic of own) plug(draft, vnic, host, unitOf[type])
  },
  claims: ({ id, spec }) =>
    (spec as unknown as VmSpec).vnics.map((vnic, i) => ({
      key: vmKey(vnic),
      value: { kind: 'vm', id },
      what: `vnic ${vnic}`,
      code: 'taken',
      path: ['vnics', i],
    })),
  state: ({ spec: { host } }) => (host === undefined ? 'waiting' : 'placed'),
}

/** Keys and user data as hosts take them. */
function checkMetadata(draft: Draft): void {
  const { sshKeys, userData } = draft.spec as unknown as VmSpec
  const keys = sshKeys.length === 0 ? undefined : parseKeys(sshKeys.join('\n'))
  if (keys?.ok === false) throw draft.problem('invalid', ['sshKeys'], keys.problem)
  const data = userData === undefined ? undefined : parseUserData(userData)
  if (data?.ok === false) throw draft.problem('invalid', ['userData'], data.problem)
}

/** A vnic that another has plugged in elsewhere is not moved by the way. */
function checkNew(draft: Draft, { record: { id, name, binding } }: Stored, host: Stored | undefined, i: number): void {
  if (binding === undefined || binding.host === host?.record.id) return
  throw draft.problem('in-use', ['vnics', i], `vnic ${name ?? id} is plugged in on another host; unplug it first`)
}
