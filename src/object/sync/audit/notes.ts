/** Notes of an audit besides differences: what on the host affects our programs. */
import { chainOf } from '#datapath/chain.ts'
import type { Context } from '../../context.ts'
import { unitName, type Mux } from '../../store/model.ts'
import { inService } from '../../type/mtu.ts'
import { wantedPrograms } from './programs.ts'

/** One line each. */
export function auditNotes(context: Context): string[] {
  const { model } = context
  return [...[...model.ofType('vpcmux')].filter(inService).flatMap(waysOf), ...programsBefore(context)]
}

/** Which packets of a mux the host's firewall sees. */
function waysOf(mux: Mux): string[] {
  const { direct, objections } = mux
  const name = unitName(mux)
  const reasons = [...new Set([...objections.out, ...objections.in])].join('; ')
  if (direct === 'off') return [`${name}: all packets go through the host's stack (direct off)`]
  if (reasons === '') return []
  if (direct === 'on') return [`${name}: the host's rules see only samples of its packets (direct on): ${reasons}`]
  const which = objections.out.length === 0 ? 'that come in' : objections.in.length === 0 ? 'that leave' : ''
  return [`${name}: packets ${which && `${which} `}go through the host's stack, which must see each: ${reasons}`]
}

/** Foreign programs that run before ours and may end the chain. */
function programsBefore({ model, devices }: Context): string[] {
  const notes = new Set<string>()
  for (const { ifindex } of wantedPrograms(model)) {
    for (const direction of ['ingress', 'egress'] as const) {
      const chain = chainOf(ifindex, direction)
      const ours = chain.findIndex((program) => program.ours)
      for (const { name, progId } of chain.slice(0, Math.max(ours, 0))) {
        const device = devices.byIndex(ifindex)?.name ?? `ifindex ${ifindex}`
        notes.add(`foreign program ${name} (${progId}) runs before ours on the ${direction} of ${device}, and may end the chain there`)
      }
    }
  }
  return [...notes]
}
