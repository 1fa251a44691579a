/** Answers the questions of a host's console by descriptors that may only read. */
import type { Mgmt } from '#client/mgmt.ts'
import type { Vpc } from '#client/vpc.ts'
import type { DropEvent } from '#abi/info.ts'
import { summarize } from '#wire/summary.ts'
import { causeText } from '../drop-text.ts'
import { plain } from '../style.ts'
import { endText } from '../trace-text.ts'
import type { Question, Questions, SeenDrop } from './questions.ts'

type Answerers = { [Q in Question]: (asks: Questions[Q]['asks']) => Promise<Questions[Q]['answers']> }

/** Functions that answer. They open what they need for reading. */
export function answerers(vpc: Vpc, mgmt: Mgmt): Answerers {
  return {
    async look() {
      const [info, objects, troubles] = await Promise.all([mgmt.info(), mgmt.describeAll(), mgmt.troubles()])
      return { info, objects, troubles }
    },
    async counters() {
      const [stats, usage] = await Promise.all([mgmt.stats(), mgmt.usage()])
      return { stats, flows: Object.fromEntries(usage.ports.map(({ id, flows }) => [id, flows])) }
    },
    flows: async ({ port }) => mgmt.flows(port),
    async trace({ port, packet }) {
      await using opened = await vpc.openPort(port)
      const { packet: text, steps, outcome } = await opened.trace({ packet })
      return { packet: text, steps, end: endText(outcome, plain), isDropped: outcome.verdict === 'drop' }
    },
  }
}

/** A drop in words. */
export function seenDrop(event: DropEvent): SeenDrop {
  const { time, reason, unit, port, vni, lost, data, length } = event
  return { time, reason, unit, port, vni, lost, packet: summarize(Buffer.from(data, 'base64'), length), cause: causeText(event) }
}
