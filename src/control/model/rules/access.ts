/** Rules of tokens and role bindings: nobody gives what they have not. */
import { allows, grantsOf } from '../caller.ts'
import type { Rules } from './rules.ts'

const dayMs = 86_400_000

export const tokenRules: Rules = {
  settle(draft) {
    if (draft.before !== undefined) return void (draft.spec.expires ??= draft.before.record.spec.expires)
    for (const grant of grantsOf(draft.mirror.objects, draft.text('principal')!))
      if (!allows(draft.ask.caller, ['admin'], grant))
        throw draft.problem('forbidden', ['principal'], 'it has roles where you are not an admin')
    const given = draft.text('expires')
    const time = given === undefined ? draft.now + 90 * dayMs : Date.parse(given)
    if (time <= draft.now) throw draft.problem('invalid', ['expires'], `${given} is past`)
    if (time > draft.now + 366 * dayMs) throw draft.problem('invalid', ['expires'], 'a token lives a year at most')
    draft.spec.expires = new Date(time).toISOString()
  },
  state: ({ spec }, { now }) => (Date.parse(spec.expires as string) > now ? 'active' : 'expired'),
}

export const roleBindingRules: Rules = {
  settle(draft) {
    const levels = ['org', 'account', 'vpc'].filter((field) => draft.spec[field] !== undefined)
    if (levels.length > 1) throw draft.problem('invalid', [levels[1]!], `it says ${levels.join(' and ')}; name the innermost alone`)
    if (draft.spec.role === 'host-admin' && levels.length > 0)
      throw draft.problem('invalid', ['role'], 'host-admin is a role in the whole cloud; leave out org, account and vpc')
  },
}
