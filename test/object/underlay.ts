/** A host with an underlay and a mux, for tests: made step by step, in any order. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { idBytes } from '#abi/id.ts'
import { macFrom } from '#wire/mac.ts'
import { broadcast, entry, sockaddr, text } from './inputs.ts'
import type { Opened, ScratchHost } from './scratch-host.ts'

export const VNI = 5001
export const mac = macFrom('02:00:00:00:00:01')

export interface Underlay {
  readonly host: ScratchHost
  readonly ethlink: Opened
  readonly mux: Opened
  readonly ifindex: number
}

/** The interface under0, 192.0.2.1, wrapped, and a mux that is not connected to it yet. */
export function underlay(host: ScratchHost): Underlay {
  const ifindex = host.addInterface('under0', 1600, '192.0.2.1', '2001:db8::1')
  const ethlink = host.create('ethlink')
  ethlink.do('ethlinkConnect', text('under0'))
  return { host, ethlink, mux: host.create('vpcmux'), ifindex }
}

/** Wait until something has come true that follows from what the kernel tells. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (holds()) return
    await sleep(20)
  }
  assert.fail(`never came true: ${String(holds)}`)
}

/** What puts a mux into service, in any order. */
export const ways: Record<string, (one: Underlay) => void> = {
  connect: ({ mux, ethlink }) => void mux.do('vpcmuxConnect', idBytes(ethlink.id)),
  listen: ({ mux }) => void mux.do('vpcmuxListen', sockaddr('192.0.2.1')),
  entry: ({ mux }) =>
    void mux.do('vpcmuxFteSet', Buffer.concat([entry(VNI, '02:00:00:00:00:01', '192.0.2.2'), entry(VNI, broadcast, '192.0.2.2')])),
}
