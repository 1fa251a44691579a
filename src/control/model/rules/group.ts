/** Rules of groups, routers and route tables: what stands inside them fits together. */
import type { Claim } from '../claims.ts'
import type { Draft } from '../draft.ts'
import { onceKey } from '../keys.ts'
import { uuidV7 } from '../uuid.ts'
import { freeMac, macClaim } from './vnic.ts'
import type { Rules } from './rules.ts'

interface Rule {
  readonly id?: string
  readonly protocol: string
  readonly ports: readonly string[]
  readonly icmp?: object
}

export const groupRules: Rules = {
  settle(draft) {
    const rules = draft.spec.rules as Rule[]
    for (const [i, { protocol, ports, icmp }] of rules.entries()) {
      if (ports.length > 0 && !['tcp', 'udp', 'sctp'].includes(protocol))
        throw draft.problem('invalid', ['rules', i, 'ports'], `protocol ${protocol} has no ports; name tcp, udp or sctp`)
      if (icmp !== undefined && protocol !== 'icmp') throw draft.problem('invalid', ['rules', i, 'icmp'], 'this is for protocol icmp')
    }
    const known = [...((draft.before?.record.spec.rules ?? []) as Rule[])]
    const used = new Set(rules.flatMap(({ id }) => id ?? []))
    draft.spec.rules = rules.map((rule, i): Rule => {
      if (rule.id === undefined)
        return { id: sameRule(known, rule, used) ?? draft.allocateIn(['rules', i, 'id'], uuidV7(draft.now)), ...rule }
      if (rules.findIndex(({ id }) => id === rule.id) !== i) throw draft.problem('invalid', ['rules', i, 'id'], 'another rule has this id')
      return rule
    })
  },
}

/** The id of a rule that said the same before, once. */
function sameRule(known: Rule[], rule: Rule, used: Set<string>): string | undefined {
  const text = JSON.stringify(rule)
  const found = known.find(({ id, ...rest }) => !used.has(id!) && JSON.stringify(rest) === text)
  if (found !== undefined) used.add(found.id!)
  return found?.id
}

interface Interface {
  readonly subnet: string
  readonly mac?: string
}

export const routerRules: Rules = {
  settle(draft) {
    checkAlone(draft)
    const before = (draft.before?.record.spec.interfaces ?? []) as Interface[]
    const given = draft.spec.interfaces as Interface[]
    draft.spec.interfaces = given.map(({ subnet, mac }, i): Interface => {
      if (given.findIndex((each) => each.subnet === subnet) !== i)
        throw draft.problem('invalid', ['interfaces', i, 'subnet'], 'the router already joins this subnet')
      const known = mac ?? before.find((each) => each.subnet === subnet)?.mac
      return { subnet, mac: known ?? draft.allocateIn(['interfaces', i, 'mac'], freeMac(draft, ['interfaces', i, 'mac'])) }
    })
  },
  claims({ id, account, spec }) {
    const value = { kind: 'router', id }
    const macs = (spec.interfaces as Interface[]).map(({ mac }, i): Claim => macClaim(account!, mac!, value, ['interfaces', i, 'mac']))
    if (spec.enabled !== true) return macs
    const key = onceKey('router', spec.vpc as string)
    return [...macs, { key, value, what: 'the router in effect of the vpc', code: 'taken', path: ['enabled'] }]
  },
}

/** A vpc has one router in effect: hosts have one router for each switch. Others may stand by, disabled. */
function checkAlone(draft: Draft): void {
  if (draft.spec.enabled !== true) return
  const vpc = draft.text('vpc')!
  for (const { record } of draft.mirror.objects.usersOf(vpc)) {
    if (record.kind !== 'router' || record.spec.vpc !== vpc || record.spec.enabled !== true || record.id === draft.before?.record.id)
      continue
    const { id, name } = record
    const remedy = `join its subnets to router ${name}, or make one with enabled=false`
    throw draft.problem('taken', ['enabled'], `router ${name} is in effect in this vpc, and a vpc has one; ${remedy}`, {
      users: [{ kind: 'router', id, name }],
    })
  }
}

export const routeTableRules: Rules = {
  settle(draft: Draft) {
    const routes = draft.spec.routes as { destination: string }[]
    for (const [i, { destination }] of routes.entries())
      if (routes.findIndex((each) => each.destination === destination) !== i)
        throw draft.problem('invalid', ['routes', i, 'destination'], `${destination} stands twice`)
  },
}
