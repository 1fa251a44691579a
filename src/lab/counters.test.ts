/** The counters of a host, summed up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Id } from '#abi/id.ts'
import type { SourceStats } from '#abi/info.ts'
import { sumUp } from './counters.ts'

const source = (unit: string, rxPackets: number, txPackets: number, drops: Record<string, number>): SourceStats => ({
  unit,
  id: '' as Id,
  peerUnit: null,
  rxPackets,
  rxBytes: 0,
  txPackets,
  txBytes: 0,
  answered: 1,
  flooded: 0,
  missed: 0,
  tooBig: 0,
  lostQuestions: 0,
  lostDropEvents: 0,
  txLimited: 0,
  flowOverflow: 0,
  drops,
})

test('ports and muxes are told apart, and drops summed by reason', () => {
  const stats = [
    source('vpcp0', 10, 20, { 'source-mac': 2 }),
    source('vpcp1', 1, 2, { 'source-mac': 1 }),
    source('vpcmux0', 5, 7, { 'unknown-vni': 4 }),
  ]
  assert.deepEqual(sumUp('h1', stats), {
    host: 'h1',
    fromGuests: 11,
    toGuests: 22,
    encapsulated: 7,
    decapsulated: 5,
    answered: 3,
    dropped: { 'source-mac': 3, 'unknown-vni': 4 },
  })
})
